import Netlink

/// Plugs the node's interfaces from link to link without starting a process, so that the moment of
/// the move is known to microseconds.
final class AirSwitch {
    private let socket: NetlinkSocket
    private var ports: [Int: InterfaceIndex] = [:]
    private var bridges: [Int: InterfaceIndex] = [:]

    init(_ lab: Lab) throws {
        let namespace = try NetworkNamespace(path: "/run/netns/\(lab.namespace("air"))")
        socket = try NetlinkSocket(namespace: namespace)
        for number in 0..<lab.plan.nodeInterfaces { ports[number] = try socket.link(named: "node\(number)").index }
        for router in 1...lab.plan.routers { bridges[router] = try socket.link(named: "br\(router)").index }
    }

    /// - Returns: when the link at the new place was up, in nanoseconds of CLOCK_MONOTONIC.
    @discardableResult
    func attach(_ interface: Int = 0, to router: Int) throws -> UInt64 {
        guard let port = ports[interface], let bridge = bridges[router] else {
            throw LabError.unknownName("place", "interface \(interface) at router \(router)", known: [])
        }
        try socket.changeLink(port, up: false)
        try socket.changeLink(port, master: bridge)
        try socket.changeLink(port, up: true)
        return monotonicNanoseconds()
    }

    /// Without the carrier going, see ``Lab/roam(_:to:)``.
    /// - Returns: when it was at the new place.
    @discardableResult
    func roam(_ interface: Int = 0, to router: Int) throws -> UInt64 {
        guard let port = ports[interface], let bridge = bridges[router] else {
            throw LabError.unknownName("place", "interface \(interface) at router \(router)", known: [])
        }
        try socket.changeLink(port, master: bridge)
        return monotonicNanoseconds()
    }

    /// - Returns: when the carrier was gone.
    @discardableResult
    func unplug(_ interface: Int = 0) throws -> UInt64 {
        guard let port = ports[interface] else { return monotonicNanoseconds() }
        try socket.changeLink(port, up: false)
        return monotonicNanoseconds()
    }
}

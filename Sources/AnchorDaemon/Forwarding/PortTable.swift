import AnchorCore
import AnchorDataPlane
import Netlink
import NetworkTypes

/// The interfaces of an access router: numbers, and what the kernel says of them. For one serial queue.
final class PortTable: InterfaceNumbering {
    private(set) var ports: [PortIndex: RouterPort] = [:]
    private var byKernelIndex: [UInt32: PortIndex] = [:]
    private let byName: [String: PortIndex]
    private let gateways: [PortIndex: [IPAddress]]

    init(_ settings: AccessRouterSettings, numbers: [String: PortIndex]) {
        byName = numbers
        var gateways: [PortIndex: [IPAddress]] = [:]
        for link in settings.access {
            if let number = numbers[link.interface] { gateways[number] = link.gateways.map(\.address) }
        }
        self.gateways = gateways
        func add(_ name: String, _ role: PortRole) {
            guard let number = numbers[name] else { return }
            ports[number] = RouterPort(index: number, name: name, role: role)
        }
        for link in settings.access { add(link.interface, .access) }
        for name in settings.coreInterfaces { add(name, .core) }
        for server in settings.servers {
            switch server.legs {
            case .none: break
            case .two(let inside, let outside):
                add(inside, .serverInside)
                add(outside, .serverOutside)
            case .one(let name, _): add(name, .serverOneLeg)
            }
        }
    }

    subscript(name: String) -> RouterPort? { byName[name].flatMap { ports[$0] } }

    /// Numbers of the interfaces that are there, by kernel index.
    var kernelIndices: [UInt32: PortIndex] { byKernelIndex }

    func number(ofKernelIndex index: UInt32) -> InterfaceID? { byKernelIndex[index].map { InterfaceID($0) } }
    func kernelIndex(of interface: InterfaceID) -> UInt32? { ports[interface.number]?.link?.index }

    func gateway(on interface: InterfaceID, _ family: AddressFamily) -> IPAddress? {
        family == .v4 ? gateways[interface.number]?.first(where: \.isV4) : nil
    }

    /// - Returns: the number of the port that it is about.
    func update(_ link: Link) -> PortIndex? {
        let former = byKernelIndex[link.index]
        if let former, ports[former]?.name != link.name { remove(link.index) }
        guard let number = byName[link.name] else { return nil }
        if let other = ports[number]?.link?.index, other != link.index { remove(other) }
        byKernelIndex[link.index] = number
        ports[number]?.link = link
        return number
    }

    /// - Returns: the number of the port that has lost its interface.
    @discardableResult
    func remove(_ index: UInt32) -> PortIndex? {
        guard let number = byKernelIndex.removeValue(forKey: index) else { return nil }
        ports[number]?.link = nil
        ports[number]?.addresses = []
        ports[number]?.attachment = nil
        return number
    }

    /// - Returns: the number of the port whose addresses have changed.
    func setAddresses(_ addresses: [IPAddress], ofKernelIndex index: UInt32) -> PortIndex? {
        guard let number = byKernelIndex[index], ports[number]?.addresses != addresses else { return nil }
        ports[number]?.addresses = addresses
        return number
    }

    func setAttachment(_ attachment: ProgramAttachment?, failure: String?, of port: PortIndex) {
        ports[port]?.attachment = attachment
        ports[port]?.failure = failure
    }
}

import Glibc
import Netlink
import NetworkTypes

/// Nodes that know nothing and are frames only, so that there can be thousands of them with a million flows: UDP packets
/// are put on the access links of a lab's routers, each node's from a station and an address of its own, to where nobody
/// is.
final class Crowd {
    private let lab: Lab
    /// By router.
    private var links: [Int: FrameSocket] = [:]

    /// - Throws: where an access link can't be sent on.
    init(_ lab: Lab) throws {
        self.lab = lab
        for router in 1...lab.plan.routers {
            links[router] = try FrameSocket(
                namespace: lab.namespace("air"), interface: "acc\(router)", content: Self.frame)
        }
        try lab.run(["ip", "route", "replace", "blackhole", "\(AddressPlan.nowhere)"], on: "net")
    }

    /// oM of a node, numbered from 0.
    static func address(_ node: Int) -> IPAddress { AddressPlan.crowdBlock.address(at: UInt64(256 + node))! }

    static func station(_ node: Int) -> MACAddress { MACAddress(bits: 0x02c0_0000_0000 + UInt64(node)) }

    /// Puts a packet on the link of a router.
    func send(from node: Int, localPort: UInt16, remotePort: UInt16, at router: Int) throws {
        guard let link = links[router] else { throw LabError.unknownName("router", "\(router)", known: []) }
        try link.send { bytes in
            let source = UInt32(Self.address(node).low & 0xffff_ffff)
            bytes.storeBytes(of: UInt16(node >> 16).bigEndian, toByteOffset: 8, as: UInt16.self)
            bytes.storeBytes(of: UInt16(node & 0xffff).bigEndian, toByteOffset: 10, as: UInt16.self)
            bytes.storeBytes(of: source.bigEndian, toByteOffset: 26, as: UInt32.self)
            bytes.storeBytes(of: Self.checksum(source).bigEndian, toByteOffset: 24, as: UInt16.self)
            bytes.storeBytes(of: localPort.bigEndian, toByteOffset: 34, as: UInt16.self)
            bytes.storeBytes(of: remotePort.bigEndian, toByteOffset: 36, as: UInt16.self)
        }
    }

    /// A frame of 64 bytes, check sequence included, of node 0: what differs from frame to frame is 0. UDP without a
    /// checksum.
    private static let frame: [UInt8] = {
        var bytes: [UInt8] = []
        for mac in [AddressPlan.commonGatewayMAC, station(0)] {
            bytes += stride(from: 40, through: 0, by: -8).map { UInt8(truncatingIfNeeded: mac.bits >> UInt64($0)) }
        }
        bytes += [8, 0, 0x45, 0, 0, 46, 0, 0, 0x40, 0, 64, 17, 0, 0, 0, 0, 0, 0]
        bytes += AddressPlan.nowhere.address(at: 7)!.bytes
        bytes += [0, 0, 0, 0, 0, 26, 0, 0] + [UInt8](repeating: 0, count: 18)
        return bytes
    }()

    /// Of the IPv4 header with that source.
    private static func checksum(_ source: UInt32) -> UInt16 {
        var sum = headerSum + source >> 16 + source & 0xffff
        while sum > 0xffff { sum = sum & 0xffff + sum >> 16 }
        return ~UInt16(sum)
    }

    private static let headerSum = stride(from: 14, to: 34, by: 2).reduce(UInt32(0)) {
        $0 + UInt32(frame[$1]) << 8 + UInt32(frame[$1 + 1])
    }

    // MARK: Many of them

    /// Remote ports from here on.
    private static let firstRemotePort = 10_000
    private static let remotePorts = 50_000
    private static let firstLocalPort = 20_000

    /// Has a node begin flows, 50,000 from each of its ports, until a router has all of them.
    func begin(_ count: Int, of node: Int, at router: Int) throws {
        try letIn(node..<node + 1, at: router)
        var found = 0
        // What a full ring or the node's first packet's wait has cost comes again.
        for _ in 0..<Self.attempts where found < count {
            for flow in 0..<count { try sendFlow(flow, of: node, at: router) }
            found = try flows(of: node, at: router)?.here ?? 0
        }
        guard found >= count else {
            throw LabError.timedOut("\(count) flows of \(Self.address(node)) at router \(router); there are \(found)")
        }
    }

    private static let attempts = 10

    private func sendFlow(_ flow: Int, of node: Int, at router: Int) throws {
        try send(
            from: node, localPort: UInt16(Self.firstLocalPort + flow / Self.remotePorts),
            remotePort: UInt16(Self.firstRemotePort + flow % Self.remotePorts), at: router)
    }

    /// A packet of a flow that ``begin(_:of:at:)`` has begun.
    func sendKnown(from node: Int, at router: Int) throws { try sendFlow(0, of: node, at: router) }

    /// Has a router know nodes that nobody knows yet, and of each a first flow.
    func letIn(_ nodes: Range<Int>, at router: Int) throws {
        var left = Array(nodes)
        let before = try lab.metric("flowanchor_nat_subscribers{state=\"assigned\"}", at: router)
        try waitUntil("\(nodes.count) nodes at router \(router)", timeout: .seconds(90)) {
            // As many as the programs hand to the daemon in a second, at most.
            let next = left.prefix(Self.letInAtOnce)
            for node in next { try sendFlow(0, of: node, at: router) }
            poll(nil, 0, 1100)
            left = Array(left.dropFirst(next.count)) + next
            let known = try lab.metric("flowanchor_nat_subscribers{state=\"assigned\"}", at: router)
            return Int(known - before) >= nodes.count
        }
    }

    private static let letInAtOnce = 900

    /// Flows of a node that a router knows, by whether they began there; `nil` for a node that it doesn't know.
    func flows(of node: Int, at router: Int) throws -> (here: Int, away: Int)? {
        guard let model = try lab.node(Self.address(node), at: router) else { return nil }
        return (model.flowsHere ?? 0, model.flowsAway ?? 0)
    }
}

/// Sends one frame after the other, each with other content, on an interface.
final class FrameSocket {
    private let descriptor: Int32
    private let interface: String
    private let bytes: UnsafeMutableRawBufferPointer

    /// - Parameter content: the first frame's bytes, from the Ethernet header on.
    init(namespace: String, interface: String, content: [UInt8]) throws {
        self.interface = interface
        bytes = .allocate(byteCount: content.count, alignment: 8)
        bytes.copyBytes(from: content)
        descriptor = try NetworkNamespace(path: "/run/netns/\(namespace)").run {
            let socket = Glibc.socket(AF_PACKET, Int32(SOCK_RAW.rawValue), 0)
            guard socket >= 0 else {
                throw LabError.cannotStart("a packet socket", String(cString: strerror(errno)))
            }
            // struct sockaddr_ll: family, protocol (none: nothing is received), interface.
            var address = [UInt8](repeating: 0, count: 20)
            address.withUnsafeMutableBytes {
                $0.storeBytes(of: UInt16(AF_PACKET), as: UInt16.self)
                $0.storeBytes(of: Int32(if_nametoindex(interface)), toByteOffset: 4, as: Int32.self)
            }
            let bound = address.withUnsafeBytes {
                bind(socket, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t($0.count))
            }
            guard bound == 0 else {
                defer { close(socket) }
                throw LabError.cannotStart("frames on \(interface)", String(cString: strerror(errno)))
            }
            return socket
        }
    }

    deinit {
        close(descriptor)
        bytes.deallocate()
    }

    /// - Parameter change: makes the frame of the one before.
    func send(_ change: (UnsafeMutableRawBufferPointer) -> Void) throws {
        change(bytes)
        while Glibc.send(descriptor, bytes.baseAddress, bytes.count, 0) < 0 {
            guard errno == ENOBUFS || errno == EINTR else {
                throw LabError.commandFailed("send on \(interface)", String(cString: strerror(errno)))
            }
            // The interface takes no more: its other end has to catch up.
            poll(nil, 0, 1)
        }
    }
}

import BPFKit
import NetworkTypes
import PacketKit
import Synchronization
import Testing

@testable import AnchorDataPlane

/// A mobile node's programs with tables of their own, to run packets through.
final class MobileNodeBench {
    let instance: KernelInstance
    let dataPlane: KernelDataPlane
    let flows: FlowTable
    private let programs: LoadedBPFObject

    /// What a program said of a packet, as tc reads it.
    enum Verdict: UInt32 {
        /// TC_ACT_UNSPEC: goes on its way.
        case pass = 0xffff_ffff
        /// TC_ACT_SHOT
        case drop = 2
        /// TC_ACT_REDIRECT
        case redirect = 7
    }

    /// The loopback interface, on which test runs are, has no link layer address of its own.
    static let ownMAC = MACAddress.zero
    static let gatewayMAC = MACAddress(bits: 0x02_00_00_00_00_fe)
    static let gateway = IPAddress("198.51.100.254")!

    private static let count = Atomic(0)

    init() throws {
        let number = Self.count.add(1, ordering: .relaxed).newValue
        instance = try KernelInstance("mobile\(number)", program: .mobileNode)
        dataPlane = try #require(instance.dataPlane)
        let uplink = Port(role: .mobile, name: "lo", interfaceIndex: 1, mac: MACAddress(bits: 1), mtu: 1500)
        try dataPlane.setPort(1, uplink)
        try dataPlane.setNextHop(
            .neighbour(Self.gateway, port: 1), NextHopResolution(destination: Self.gatewayMAC))
        try dataPlane.setConfiguration(DataPlaneConfiguration(maximumSegmentV4: 1400, maximumSegmentV6: 1380))
        flows = try dataPlane.flowTable()
        programs = try dataPlane.load(1, uplink)
    }

    /// An address whose anchor is the router that the node is attached to.
    func addCurrent(_ address: IPAddress) throws {
        try dataPlane.setHost(
            HostEntry(
                key: HostKey(address), node: 1, attachment: HostAttachment(mac: Self.gatewayMAC, port: 1), isOwn: true))
    }

    /// An address whose anchor is elsewhere.
    func addTunnelled(
        _ address: IPAddress, anchor: IPAddress, from careOf: IPAddress, kind: TunnelKind = .ipip,
        nextHop: NextHop = .neighbour(gateway, port: 1), isBicast: Bool = false
    ) throws {
        let path = try dataPlane.path(
            for: PathSpecification(
                nextHop: nextHop, encapsulation: Encapsulation(source: careOf, kind: EncapsulationKind(kind))))
        var entry = HostEntry(key: HostKey(address), node: 1, tunnel: HostTunnel(peer: anchor, kind: kind, path: path))
        entry.isOwn = true
        if isBicast {
            entry.attachment = HostAttachment(mac: Self.gatewayMAC, port: 1)
            entry.isBicast = true
        }
        try dataPlane.setHost(entry)
    }

    /// What the node sends.
    func send(_ packet: [UInt8]) throws -> (verdict: Verdict, packet: [UInt8]) {
        try run("fa_mobile_egress", packet)
    }

    /// What comes in on the uplink.
    func receive(_ packet: [UInt8]) throws -> (verdict: Verdict, packet: [UInt8]) {
        try run("fa_mobile_ingress", packet)
    }

    private func run(_ name: String, _ packet: [UInt8]) throws -> (verdict: Verdict, packet: [UInt8]) {
        let result = try programs.program(name).testRun(packet)
        return (try #require(Verdict(rawValue: result.verdict), "verdict \(result.verdict)"), result.packet)
    }

    /// Packets counted under this reason so far.
    func count(_ name: String) throws -> UInt64 {
        try dataPlane.reasonCounts()[#require(Reason(name: name))] ?? 0
    }

    func allFlows() throws -> [FlowEntry] {
        var found: [FlowEntry] = []
        try flows.scan {
            found.append($0)
            return true
        }
        return found
    }
}

/// A tunnel between a mobile node and its anchor, and what goes through it, in one pair of address families.
struct TunnelCase: CustomTestStringConvertible, Sendable {
    var outer: AddressFamily
    var inner: AddressFamily
    var kind: TunnelKind

    /// All four combinations of families, each in IP-in-IP, GRE, and sequenced GRE.
    static let all: [TunnelCase] = AddressFamily.allCases.flatMap { outer in
        AddressFamily.allCases.flatMap { inner in
            [TunnelKind.ipip, .gre(key: 7, sequenced: false), .gre(key: 8, sequenced: true)].map {
                TunnelCase(outer: outer, inner: inner, kind: $0)
            }
        }
    }

    /// nM, oA, oM, C.
    var careOf: IPAddress { IPAddress(outer == .v4 ? "198.51.100.2" : "2001:db8:2::2")! }
    var anchor: IPAddress { IPAddress(outer == .v4 ? "192.0.2.1" : "2001:db8:1::1")! }
    var address: IPAddress { IPAddress(inner == .v4 ? "192.0.2.77" : "2001:db8:1::77")! }
    var correspondent: IPAddress { IPAddress(inner == .v4 ? "203.0.113.9" : "2001:db8:9::9")! }

    var testDescription: String { "inner \(inner) in outer \(outer), \(kind)" }

    /// The headers in front of the inner packet, in the direction given.
    func outerLayers(up: Bool, dscp: UInt8 = 0, ecn: UInt8 = 0, sequence: UInt32 = 0) -> [Layer] {
        let ip = Layer.ip(up ? careOf : anchor, up ? anchor : careOf, dscp: dscp, ecn: ecn)
        switch kind {
        case .ipip: return [ip]
        case .gre(let key, let sequenced): return [ip, .gre(.init(key: key, sequence: sequenced ? sequence : nil))]
        }
    }

    func add(to bench: MobileNodeBench, isBicast: Bool = false) throws {
        try bench.addCurrent(careOf)
        try bench.addTunnelled(address, anchor: anchor, from: careOf, kind: kind, isBicast: isBicast)
    }
}

extension Layer {
    /// To the gateway, as the kernel has made it: the test run's interface is its source.
    static let towardsGateway = Layer.ethernet(
        .init(destination: MobileNodeBench.gatewayMAC, source: MACAddress(bits: 1)))
    static let towardsNode = Layer.ethernet(
        .init(destination: MobileNodeBench.ownMAC, source: MobileNodeBench.gatewayMAC))

    static func ip(_ source: IPAddress, _ destination: IPAddress, dscp: UInt8 = 0, ecn: UInt8 = 0) -> Layer {
        if source.isV4 {
            var header = IPv4(source, destination)
            header.dscp = dscp
            header.ecn = ecn
            return .ipv4(header)
        }
        var header = IPv6(source, destination)
        header.dscp = dscp
        header.ecn = ecn
        return .ipv6(header)
    }
}

import NetworkTypes

@testable import AnchorDataPlane

/// An access router in front of every case that the walks know, made alike in any data plane.
enum DifferentialWorld {
    static let access: PortIndex = 1
    static let core: PortIndex = 2
    static let inside: PortIndex = 3
    static let outside: PortIndex = 4
    static let oneLeg: PortIndex = 5
    static let ports: [PortIndex] = [access, core, inside, outside, oneLeg]

    static func mac(_ port: PortIndex) -> MACAddress { MACAddress(bits: 0x02_00_00_00_aa_00 + UInt64(port)) }
    static func station(_ number: Int) -> MACAddress { MACAddress(bits: 0x02_00_00_00_bb_00 + UInt64(number)) }
    static let gateway = MACAddress(bits: 0x02_00_00_00_cc_01)

    static let endpoints = ["192.0.2.1", "2001:db8:1::1"].map { IPAddress($0)! }
    static let correspondents = ["198.51.100.7", "2001:db8:c::7", "203.0.113.200"].map { IPAddress($0)! }
    static let peers = ["203.0.113.9", "2001:db8:9::9", "203.0.113.10"].map { IPAddress($0)! }
    static let gatewayAddress = IPAddress("10.1.0.1")!

    /// How the hosts differ. Each has an IPv4 and an IPv6 address.
    enum Kind: Int, CaseIterable {
        case attached, attachedWithServers, attachedOnVLAN, refused, bypassingServers, refusingServers
        case overV4, overV6, keyed, sequenced, keyedOverV6, tunnelledWithServers, narrow, unresolved, former
        case both, bicast, preferringTunnel
    }

    static func host(_ kind: Kind, _ family: AddressFamily) -> IPAddress {
        family == .v4
            ? IPAddress("10.1.0.\(10 + kind.rawValue)")!
            : IPAddress("2001:db8:5::\(String(10 + kind.rawValue, radix: 16))")!
    }

    static let hosts = Kind.allCases.flatMap { kind in AddressFamily.allCases.map { host(kind, $0) } }

    static func make(in plane: some DataPlane) throws {
        let roles: [PortRole] = [.access, .core, .serverInside, .serverOutside, .serverOneLeg]
        for (index, role) in zip(ports, roles) {
            let addresses = index == access ? [gatewayAddress, IPAddress("2001:db8:5::1")!] : []
            try plane.setPort(
                index,
                Port(
                    role: role, name: "p\(index)", interfaceIndex: 1, mac: mac(index), mtu: 1500, addresses: addresses))
        }
        let next = NextHop.neighbour(IPAddress("192.0.2.254")!, port: core)
        let unresolved = NextHop.neighbour(IPAddress("192.0.2.253")!, port: core)
        try plane.setNextHop(next, NextHopResolution(destination: gateway))
        let out = try plane.path(for: PathSpecification(nextHop: next))
        let nowhere = try plane.path(for: PathSpecification(nextHop: .drop(Reason(name: "no_route")!)))
        let kernel = try plane.path(for: PathSpecification(nextHop: .kernel))
        let up = try plane.path(for: PathSpecification(nextHop: .station(.zero, port: inside)))
        let down = try plane.path(for: PathSpecification(nextHop: .station(mac(inside), port: outside)))
        try plane.setChain(1, .through(up: up, down: down))
        try plane.setChain(2, .bypass)
        try plane.setChain(3, .refuse)
        try plane.setConfiguration(
            DataPlaneConfiguration(
                endpoints: endpoints, pools: [IPPrefix("10.1.0.0/24")!, IPPrefix("2001:db8:5::/64")!],
                routes: [
                    .init(prefix: IPPrefix("203.0.113.0/24")!, path: kernel),
                    .init(prefix: IPPrefix("203.0.113.200/32")!, path: nowhere),
                ], defaultPathV4: out, defaultPathV6: out, maximumSegmentV4: 1400, maximumSegmentV6: 1380))
        for kind in Kind.allCases {
            for family in AddressFamily.allCases {
                try plane.setHost(try entry(kind, family, in: plane, next: next, unresolved: unresolved))
            }
        }
        for family in AddressFamily.allCases {
            try plane.setAdmittedPeer(peers[2], of: host(.former, family), isAdmitted: true)
        }
    }

    private static func entry(
        _ kind: Kind, _ family: AddressFamily, in plane: some DataPlane, next: NextHop, unresolved: NextHop
    ) throws -> HostEntry {
        let here = HostAttachment(mac: station(kind.rawValue), vlan: kind == .attachedOnVLAN ? 7 : 0, port: access)
        func tunnel(_ outer: Int, _ kind: TunnelKind = .ipip, by hop: NextHop, mtu: UInt16? = nil) throws -> HostTunnel
        {
            let encapsulation = Encapsulation(
                source: endpoints[outer], kind: EncapsulationKind(kind), dscp: outer == 1 ? 12 : nil)
            let path = try plane.path(
                for: PathSpecification(nextHop: hop, encapsulation: encapsulation, pathMTU: mtu))
            return HostTunnel(peer: peers[outer], kind: kind, path: path)
        }
        var entry = HostEntry(key: HostKey(host(kind, family)), node: UInt32(kind.rawValue))
        let keyed = TunnelKind.gre(key: 77, sequenced: false)
        switch kind {
        case .attached, .attachedOnVLAN: entry.attachment = here
        case .attachedWithServers: (entry.attachment, entry.chain) = (here, 1)
        case .refused: (entry.attachment, entry.isRefused) = (here, true)
        case .bypassingServers: (entry.attachment, entry.chain) = (here, 2)
        case .refusingServers: (entry.attachment, entry.chain) = (here, 3)
        case .overV4, .former: entry.tunnel = try tunnel(0, by: next)
        case .overV6: entry.tunnel = try tunnel(1, by: next)
        case .keyed: entry.tunnel = try tunnel(0, keyed, by: next)
        case .sequenced: entry.tunnel = try tunnel(0, .gre(key: 78, sequenced: true), by: next)
        case .keyedOverV6: entry.tunnel = try tunnel(1, keyed, by: next)
        case .tunnelledWithServers: (entry.tunnel, entry.chain) = (try tunnel(0, by: next), 1)
        case .narrow: entry.tunnel = try tunnel(0, by: next, mtu: 600)
        case .unresolved: entry.tunnel = try tunnel(0, by: unresolved)
        case .both: (entry.attachment, entry.tunnel) = (here, try tunnel(0, by: next))
        case .bicast: (entry.attachment, entry.tunnel, entry.isBicast) = (here, try tunnel(0, by: next), true)
        case .preferringTunnel:
            (entry.attachment, entry.tunnel, entry.prefersTunnel) = (here, try tunnel(0, by: next), true)
        }
        return entry
    }
}

import NetworkTypes

@testable import AnchorDataPlane

/// A mobile node with addresses in every state that the walks know, made alike in any data plane.
enum MobileWorld {
    static let uplink: PortIndex = 1
    static let otherUplink: PortIndex = 2
    /// No such port is described.
    static let noUplink: PortIndex = 9

    static let macs: [PortIndex: MACAddress] = [
        uplink: MACAddress(bits: 0x02_00_00_00_aa_01), otherUplink: MACAddress(bits: 0x02_00_00_00_aa_02),
    ]
    static let gateway = MACAddress(bits: 0x02_00_00_00_cc_01)
    static let otherGateway = MACAddress(bits: 0x02_00_00_00_cc_02)

    static let correspondents = ["198.51.100.7", "2001:db8:c::7"].map { IPAddress($0)! }
    /// Endpoints of anchors, IPv4 and IPv6: of the tunnelled addresses', and one that some are admitted from.
    static let anchors = ["203.0.113.9", "2001:db8:9::9"].map { IPAddress($0)! }
    static let admitted = ["203.0.113.10", "2001:db8:9::10"].map { IPAddress($0)! }
    /// Where one path goes whatever the address's anchor is.
    static let fixedEnd = IPAddress("203.0.113.99")!

    /// How the addresses differ. There is one of IPv4 and one of IPv6 each.
    enum Kind: Int, CaseIterable {
        case current, currentElsewhere, currentNowhere, unreachable, foreign, awaiting
        case overV4, overV6, keyed, keyedOverV6, sequenced, sequencedOverV6, marked, fixed, narrow, narrowOverV6
        case unresolved, byKernel, elsewhere, unresolvedElsewhere, pathless, plainPath, dropping, deadEnd
        case both, bothElsewhere, preferring, bicast, bicastOverV6, bicastElsewhere, bicastNowhere, bicastSequenced

        var isBicast: Bool {
            [.bicast, .bicastOverV6, .bicastElsewhere, .bicastNowhere, .bicastSequenced].contains(self)
        }
        var isOverV6: Bool { [.overV6, .keyedOverV6, .sequencedOverV6, .narrowOverV6, .bicastOverV6].contains(self) }
    }

    static func address(_ kind: Kind, _ family: AddressFamily) -> IPAddress {
        family == .v4
            ? IPAddress("10.1.0.\(10 + kind.rawValue)")!
            : IPAddress("2001:db8:5::\(String(10 + kind.rawValue, radix: 16))")!
    }

    static let bicastAddresses = Set(
        Kind.allCases.filter(\.isBicast).flatMap { kind in AddressFamily.allCases.map { address(kind, $0) } })
    static let addresses = Kind.allCases.flatMap { kind in AddressFamily.allCases.map { address(kind, $0) } }

    static func tunnelKind(_ kind: Kind) -> TunnelKind {
        switch kind {
        case .keyed, .keyedOverV6: .gre(key: 77, sequenced: false)
        case .sequenced, .sequencedOverV6, .bicastSequenced: .gre(key: 78, sequenced: true)
        default: .ipip
        }
    }

    /// - Parameter interfaces: indices of the uplinks' interfaces.
    static func make(in plane: some DataPlane, interfaces: [PortIndex: Int32]) throws {
        for (index, mac) in macs {
            try plane.setPort(
                index,
                Port(role: .mobile, name: "u\(index)", interfaceIndex: interfaces[index]!, mac: mac, mtu: 1500))
        }
        try plane.setNextHop(hop(uplink), NextHopResolution(destination: gateway))
        try plane.setNextHop(hop(otherUplink), NextHopResolution(destination: otherGateway))
        try plane.setConfiguration(DataPlaneConfiguration(maximumSegmentV4: 1400, maximumSegmentV6: 1380))
        for kind in Kind.allCases {
            for family in AddressFamily.allCases {
                try plane.setHost(try entry(kind, family, in: plane))
                guard kind == .awaiting || kind == .keyed || kind == .both else { continue }
                for peer in admitted {
                    try plane.setAdmittedPeer(peer, of: address(kind, family), isAdmitted: true)
                }
            }
        }
    }

    private static func hop(_ port: PortIndex, isResolved: Bool = true) -> NextHop {
        .neighbour(IPAddress(isResolved ? "10.1.0.1" : "10.1.0.2")!, port: port)
    }

    private static func specification(_ kind: Kind) -> PathSpecification {
        var encapsulation: Encapsulation? = Encapsulation(
            source: address(.current, kind.isOverV6 ? .v6 : .v4), kind: EncapsulationKind(tunnelKind(kind)))
        if kind == .marked {
            encapsulation?.ttl = 17
            encapsulation?.dscp = 12
        }
        if kind == .fixed { encapsulation?.destination = fixedEnd }
        if kind == .plainPath { encapsulation = nil }
        let nextHop: NextHop =
            switch kind {
            case .unresolved: hop(uplink, isResolved: false)
            case .unresolvedElsewhere: hop(otherUplink, isResolved: false)
            case .elsewhere: hop(otherUplink)
            case .byKernel: .kernel
            case .dropping: .drop(Reason(name: "server_down")!)
            case .deadEnd: .drop(Reason(name: "forwarded")!)
            default: hop(uplink)
            }
        let isNarrow = kind == .narrow || kind == .narrowOverV6
        return PathSpecification(
            nextHop: nextHop, encapsulation: encapsulation,
            pathMTU: isNarrow ? 600 : kind == .bicastOverV6 ? 1300 : nil)
    }

    private static func entry(_ kind: Kind, _ family: AddressFamily, in plane: some DataPlane) throws -> HostEntry {
        func attachment(_ port: PortIndex) -> HostAttachment { HostAttachment(mac: gateway, port: port) }
        var entry = HostEntry(key: HostKey(address(kind, family)), node: 1, isOwn: kind != .foreign)
        switch kind {
        case .current, .foreign, .awaiting, .both, .preferring, .bicast, .bicastOverV6, .bicastSequenced:
            entry.attachment = attachment(uplink)
        case .currentElsewhere, .bothElsewhere, .bicastElsewhere: entry.attachment = attachment(otherUplink)
        case .currentNowhere, .bicastNowhere: entry.attachment = attachment(noUplink)
        default: break
        }
        switch kind {
        case .current, .currentElsewhere, .currentNowhere, .unreachable, .foreign, .awaiting: break
        default:
            let path = kind == .pathless ? 0 : try plane.path(for: specification(kind))
            entry.tunnel = HostTunnel(peer: anchors[kind.isOverV6 ? 1 : 0], kind: tunnelKind(kind), path: path)
        }
        entry.isBicast = kind.isBicast
        entry.prefersTunnel = kind == .preferring
        return entry
    }
}

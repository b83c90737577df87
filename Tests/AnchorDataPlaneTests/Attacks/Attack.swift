import NetworkTypes
import PacketKit

@testable import AnchorDataPlane

/// A packet that must not get through, and the reason under which it is dropped.
struct Attack {
    typealias World = DifferentialWorld

    let threat: String
    let what: String
    let port: PortIndex
    let layers: [Layer]
    let reason: String

    private init(_ threat: String, _ what: String, _ port: PortIndex, _ layers: [Layer], _ reason: String) {
        (self.threat, self.what, self.port, self.layers, self.reason) = (threat, what, port, layers, reason)
    }

    static func ip(_ source: IPAddress, _ destination: IPAddress) -> Layer {
        source.isV4 ? .ipv4(.init(source, destination)) : .ipv6(.init(source, destination))
    }

    private static let payload: [Layer] = [.udp(.init(1000, 2000)), .payload([1, 2, 3, 4, 5, 6, 7, 8])]

    /// From the core, in a tunnel to the endpoint of the peer's family.
    static func tunnelled(
        from peer: IPAddress, _ source: IPAddress, to destination: IPAddress, gre: Layer.GRE? = nil
    ) -> [Layer] {
        let endpoint = World.endpoints.first { $0.family == peer.family }!
        return [.ethernet(.init(destination: World.mac(World.core), source: World.gateway)), ip(peer, endpoint)]
            + (gre.map { [.gre($0)] } ?? []) + [ip(source, destination)] + payload
    }

    private static func correspondent(_ family: AddressFamily) -> IPAddress {
        World.correspondents.first { $0.family == family }!
    }

    /// What the attacks change in one place gets through as it is.
    static func control(_ family: AddressFamily) -> [Layer] {
        tunnelled(from: World.peers[0], World.host(.overV4, family), to: correspondent(family))
    }

    static func all(_ family: AddressFamily) -> [Attack] {
        spoofedSources(family) + unknownPeers(family) + loops(family) + fragments(family) + keys(family)
            + onAccessLinks(family)
    }

    private static func spoofedSources(_ family: AddressFamily) -> [Attack] {
        let nobody = family == .v4 ? IPAddress("10.1.0.200")! : IPAddress("2001:db8:5::c8")!
        return [
            ("another node's address", World.host(.overV6, family), "inner_source_not_allowed"),
            ("an address that is attached", World.host(.attached, family), "inner_source_not_allowed"),
            ("an address that is leased to nobody", nobody, "inner_source_unknown"),
            ("an address from elsewhere", correspondent(family), "inner_source_unknown"),
            ("the unspecified address", family == .v4 ? .anyV4 : .anyV6, "inner_source_unknown"),
        ].map { what, source, reason in
            Attack(
                "T1", what, World.core, tunnelled(from: World.peers[0], source, to: correspondent(family)), reason)
        }
    }

    private static func unknownPeers(_ family: AddressFamily) -> [Attack] {
        let stranger = World.correspondents[0]
        return [
            Attack(
                "T2", "a stranger with a node's address inside", World.core,
                tunnelled(from: stranger, World.host(.overV4, family), to: correspondent(family)), "peer_unknown"),
            Attack(
                "T2", "a stranger with his own address inside", World.core,
                tunnelled(from: stranger, correspondent(family), to: correspondent(family)), "peer_unknown"),
            Attack(
                "T2", "the former care-of address of another node", World.core,
                tunnelled(from: World.peers[2], World.host(.overV4, family), to: correspondent(family)),
                "peer_unknown"),
        ]
    }

    private static func loops(_ family: AddressFamily) -> [Attack] {
        let endpoint = World.endpoints.first { $0.family == family }!
        let source = World.host(.overV4, family)
        var nested = tunnelled(from: World.peers[0], source, to: endpoint)
        nested.insert(ip(source, correspondent(family)), at: nested.count - 2)
        return [
            Attack(
                "T8", "an inner destination that is a tunnel endpoint", World.core,
                tunnelled(from: World.peers[0], source, to: endpoint), "inner_destination_endpoint"),
            Attack("T8", "a tunnel in a tunnel to us", World.core, nested, "inner_destination_endpoint"),
        ]
    }

    private static func fragments(_ family: AddressFamily) -> [Attack] {
        [(true, UInt16(0)), (true, 10), (false, 10)].map { more, offset in
            var layers = control(family)
            guard case .ipv4(var outer) = layers[1] else { preconditionFailure("the control is over IPv4") }
            (outer.dontFragment, outer.moreFragments, outer.fragmentOffset) = (false, more, offset)
            layers[1] = .ipv4(outer)
            return Attack("T9", "a fragment at \(offset), more \(more)", World.core, layers, "outer_fragment")
        }
    }

    private static func keys(_ family: AddressFamily) -> [Attack] {
        let (peer, other) = (World.peers[0], World.peers[1])
        let cases: [(String, IPAddress, DifferentialWorld.Kind, Layer.GRE?, String)] = [
            ("a wrong key", peer, .keyed, .init(key: 76), "tunnel_key_mismatch"),
            ("no key", peer, .keyed, .init(), "tunnel_key_mismatch"),
            ("the key of another node", peer, .keyed, .init(key: 78), "tunnel_key_mismatch"),
            ("the right key from another peer", other, .keyed, .init(key: 77), "inner_source_not_allowed"),
            (
                "the right key from a stranger", World.correspondents[0], .keyed, .init(key: 77), "peer_unknown"
            ),
            ("IP-in-IP where GRE is agreed", peer, .keyed, nil, "tunnel_kind_mismatch"),
            ("GRE where IP-in-IP is agreed", peer, .overV4, .init(key: 77), "tunnel_kind_mismatch"),
            ("numbers where none are agreed", peer, .keyed, .init(key: 77, sequence: 9), "tunnel_kind_mismatch"),
            ("no numbers where they are agreed", peer, .sequenced, .init(key: 78), "tunnel_kind_mismatch"),
        ]
        return cases.map { what, peer, kind, gre, reason in
            Attack(
                "T11", what, World.core,
                tunnelled(from: peer, World.host(kind, family), to: correspondent(family), gre: gre), reason)
        }
    }

    private static func onAccessLinks(_ family: AddressFamily) -> [Attack] {
        func sent(_ source: IPAddress, by station: Int, tags: [UInt16] = []) -> [Layer] {
            [
                .ethernet(
                    .init(destination: World.mac(World.access), source: World.station(station), tags: tags)),
                ip(source, correspondent(family)),
            ] + payload
        }
        let attached = DifferentialWorld.Kind.attached.rawValue
        let attachedAddress = World.host(.attached, family)
        let endpoint = World.endpoints.first { $0.family == family }!
        var tunnel = sent(attachedAddress, by: attached)
        tunnel[1] = ip(attachedAddress, endpoint)
        tunnel.insert(ip(World.host(.overV4, family), correspondent(family)), at: 2)
        return [
            Attack(
                "T1", "an address that is leased to nobody", World.access,
                sent(correspondent(family), by: attached), "source_unknown"),
            Attack(
                "T1", "another station's address", World.access, sent(attachedAddress, by: attached + 1),
                "source_not_here"),
            Attack(
                "T1", "a station's address on another VLAN", World.access,
                sent(attachedAddress, by: attached, tags: [9]), "source_not_here"),
            Attack(
                "T1", "the address of a node that is elsewhere", World.access,
                sent(World.host(.overV4, family), by: DifferentialWorld.Kind.overV4.rawValue), "source_not_here"),
            Attack("T1", "a tunnel with another node's address", World.access, tunnel, "peer_unknown"),
        ]
    }
}

import AnchorCore
import AnchorDataPlane
import Netlink
import NetworkTypes

/// The bindings of the node's own addresses as entries of the data plane's host table.
///
/// An entry names the way to the anchor: the attachment is the router on the link where the anchor is reached directly,
/// the tunnel that to the anchor's endpoint from the care-of address. The path of a tunnel leads to the router on the
/// care-of address's link, whose MAC follows the kernel's neighbour table.
final class OwnAddressTable {
    private let dataPlane: any DataPlane
    private let node: UInt32
    private let tunnelTTL: UInt8
    private let tunnelDSCP: UInt8?
    private var bindings: [IPAddress: AnchorBinding] = [:]
    private var uplinks: [InterfaceID: Uplink] = [:]
    /// Of the way to an anchor, where it is known to be narrower than the uplink.
    private var anchorMTUs: [IPAddress: UInt16] = [:]
    /// The most that a tunnel adds: IPv6, and GRE with key and sequence number.
    private static let largestOverhead: UInt16 = 40 + 12

    private struct Uplink {
        var link: Link?
        /// The routers, by the family of their address, and their MACs.
        var gateways: [AddressFamily: Gateway] = [:]
        /// Largest packet that fits the path through the attachment.
        var mtu: UInt16?
    }

    private struct Gateway: Hashable {
        var address: IPAddress
        var mac: MACAddress?
    }

    init(_ dataPlane: any DataPlane, node: UInt32, tunnelTTL: UInt8 = 64, tunnelDSCP: UInt8? = nil) {
        self.dataPlane = dataPlane
        self.node = node
        self.tunnelTTL = tunnelTTL
        self.tunnelDSCP = tunnelDSCP
    }

    /// The uplink's number in the data plane; 0 is none.
    static func port(of uplink: InterfaceID) -> PortIndex { PortIndex(uplink.number + 1) }

    func setUplink(_ id: InterfaceID, _ link: Link) throws {
        var uplink = uplinks[id] ?? Uplink()
        // The neighbours of an interface that vanished are those of nobody.
        if let before = uplink.link, before.index != link.index { uplink.gateways = [:] }
        uplink.link = link
        uplinks[id] = uplink
        try dataPlane.setPort(
            Self.port(of: id),
            Port(
                role: .mobile, name: link.name, interfaceIndex: Int32(link.index),
                mac: link.isEthernet ? link.mac ?? .zero : .zero, mtu: UInt16(clamping: link.mtu)))
        try limitSegments()
    }

    func setGateway(_ address: IPAddress, mac: MACAddress?, on id: InterfaceID) throws {
        let gateway = Gateway(address: address, mac: mac)
        let before = uplinks[id]?.gateways[address.family]
        guard before != gateway else { return }
        uplinks[id, default: Uplink()].gateways[address.family] = gateway
        try dataPlane.setNextHop(
            .neighbour(address, port: Self.port(of: id)), NextHopResolution(destination: mac))
        try reinstall { $0.uses(id) }
    }

    func setMTU(_ mtu: UInt16, of id: InterfaceID) throws {
        guard uplinks[id]?.mtu != mtu else { return }
        uplinks[id, default: Uplink()].mtu = mtu
        try limitSegments()
        try reinstall { $0.uses(id) }
    }

    /// - Parameter mtu: `nil` for that of the uplink.
    func setMTU(_ mtu: UInt16?, to anchor: IPAddress) throws {
        guard anchorMTUs[anchor] != mtu else { return }
        anchorMTUs[anchor] = mtu
        try reinstall { $0.tunnel?.peer == anchor }
    }

    /// TCP connections begin with segments that will still fit after a move, whatever the tunnel will be.
    private func limitSegments() throws {
        let mtus = uplinks.values.compactMap { uplink in
            uplink.link.map { min(UInt16(clamping: $0.mtu), uplink.mtu ?? .max) }
        }
        guard let room = mtus.min().map({ max($0, 1280) - Self.largestOverhead }) else { return }
        var configuration = dataPlane.configuration
        configuration.maximumSegmentV4 = room - 40
        configuration.maximumSegmentV6 = room - 60
        configuration.decrementsTTL = false
        if configuration != dataPlane.configuration { try dataPlane.setConfiguration(configuration) }
    }

    func install(_ binding: AnchorBinding) throws {
        try admit(binding.address, from: binding.endpoints)
        bindings[binding.address] = binding
        try write(binding)
    }

    func remove(_ address: IPAddress) throws {
        try admit(address, from: [])
        bindings[address] = nil
        try dataPlane.removeHost(HostKey(address))
    }

    /// Has tunnels from these endpoints accepted for the address, and no others.
    private func admit(_ address: IPAddress, from endpoints: [IPAddress]) throws {
        let known = bindings[address]?.endpoints ?? []
        for endpoint in endpoints where !known.contains(endpoint) {
            try dataPlane.setAdmittedPeer(endpoint, of: address, isAdmitted: true)
        }
        for endpoint in known where !endpoints.contains(endpoint) {
            try dataPlane.setAdmittedPeer(endpoint, of: address, isAdmitted: false)
        }
    }

    private func reinstall(where condition: (AnchorPath) -> Bool) throws {
        for binding in bindings.values where condition(binding.path) { try write(binding) }
    }

    private func write(_ binding: AnchorBinding) throws {
        var entry = HostEntry(key: HostKey(binding.address), node: node, isOwn: true)
        switch binding.path {
        case .direct(let id):
            entry.attachment = attachment(id, binding.address.family)
        case .tunnelled(let tunnel, let id):
            entry.tunnel = try hostTunnel(tunnel, id)
        case .both(let direct, let tunnel, let id, let bicast):
            entry.attachment = attachment(direct, binding.address.family)
            entry.tunnel = try hostTunnel(tunnel, id)
            entry.isBicast = bicast
        case .unreachable:
            // What was in force stays: its packets are lost either way, and those in flight to the node still arrive.
            if try dataPlane.host(entry.key) != nil { return }
        }
        try dataPlane.setHost(entry)
    }

    private func attachment(_ id: InterfaceID, _ family: AddressFamily) -> HostAttachment {
        let gateways = uplinks[id]?.gateways ?? [:]
        let gateway = gateways[family] ?? gateways.values.first
        return HostAttachment(mac: gateway?.mac ?? .zero, port: Self.port(of: id))
    }

    private func hostTunnel(_ tunnel: Tunnel, _ id: InterfaceID) throws -> HostTunnel {
        let kind: AnchorDataPlane.TunnelKind =
            switch tunnel.kind {
            case .ipInIP: .ipip
            case .gre(let key, let sequenced): .gre(key: key, sequenced: sequenced)
            }
        let uplink = uplinks[id]
        // Without a router everybody is a neighbour, or the kernel knows the way; by this uplink either way.
        let nextHop = uplink?.gateways[tunnel.local.family]?.address ?? tunnel.peer
        let specification = PathSpecification(
            nextHop: .neighbour(nextHop, port: Self.port(of: id)),
            encapsulation: Encapsulation(
                source: tunnel.local, kind: EncapsulationKind(kind), ttl: tunnelTTL, dscp: tunnelDSCP),
            pathMTU: [uplink?.mtu, anchorMTUs[tunnel.peer]].compactMap { $0 }.min())
        return HostTunnel(peer: tunnel.peer, kind: kind, path: try dataPlane.path(for: specification))
    }
}

extension AnchorPath {
    var tunnel: Tunnel? {
        switch self {
        case .tunnelled(let tunnel, _), .both(_, let tunnel, _, _): tunnel
        case .direct, .unreachable: nil
        }
    }

    fileprivate func uses(_ id: InterfaceID) -> Bool {
        switch self {
        case .direct(let direct): direct == id
        case .tunnelled(_, let uplink): uplink == id
        case .both(let direct, _, let uplink, _): direct == id || uplink == id
        case .unreachable: false
        }
    }
}

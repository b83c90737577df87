import AnchorCore
import ControlAPI
import Foundation
import NetworkTypes

/// Hosts that an operator made; they last until an operator removes them.
struct StaticHosts {
    private let path: String
    private(set) var hosts: [IPAddress: StaticHostModel] = [:]

    init(path: String) throws(DaemonError) {
        self.path = path
        guard let bytes = try StateFile.read(path) else { return }
        do {
            let stored = try JSONDecoder().decode([StaticHostModel].self, from: Data(bytes))
            hosts = Dictionary(stored.map { ($0.address, $0) }) { _, last in last }
        } catch {
            throw .storage("\(path) can't be understood (\(error)); correct it, or remove it to start without")
        }
    }

    var addresses: Set<IPAddress> { Set(hosts.keys) }

    /// Stored before it counts.
    mutating func set(_ host: StaticHostModel) throws(DaemonError) {
        var changed = hosts
        changed[host.address] = host
        try store(changed)
    }

    /// - Returns: whether there was one.
    mutating func remove(_ address: IPAddress) throws(DaemonError) -> Bool {
        var changed = hosts
        guard changed.removeValue(forKey: address) != nil else { return false }
        try store(changed)
        return true
    }

    private mutating func store(_ changed: [IPAddress: StaticHostModel]) throws(DaemonError) {
        let list = changed.values.sorted { $0.address < $1.address }
        guard let data = try? JSONEncoder.control.encode(list) else { throw .storage("can't encode \(path)") }
        try StateFile.write(Array(data), to: path)
        hosts = changed
    }

    /// What the data plane is to hold for them; those that the configuration has no place for any more are left out.
    func bindings(_ plane: ForwardingPlane) -> [HostBinding] {
        hosts.values.compactMap { try? StaticHosts.binding($0, plane) }
    }

    /// - Throws: what is wrong with it.
    static func binding(_ host: StaticHostModel, _ plane: ForwardingPlane) throws(ControlError) -> HostBinding {
        var neighbour: AnchorCore.Neighbour?
        var tunnel: Tunnel?
        switch (host.interface, host.mac) {
        case (let name?, let mac?):
            guard let port = plane.ports[name], port.role == .access else {
                let links = plane.settings.access.map(\.interface).joined(separator: ", ")
                throw ControlError(
                    .invalid, "\(name) is no access link of this router", nextStep: "those are: \(links)")
            }
            guard mac != .zero, !mac.isGroup else { throw ControlError(.invalid, "\(mac) is no station's address") }
            neighbour = Neighbour(mac: mac, interface: InterfaceID(port.index))
        case (nil, nil): break
        default: throw ControlError(.invalid, "an attached host needs 'interface' and 'mac', both")
        }
        if let careOf = host.careOf {
            guard let local = plane.settings.endpoints.first(where: { $0.family == careOf.family }) else {
                throw ControlError(
                    .invalid, "this router has no IP\(careOf.family) endpoint for a tunnel to \(careOf)",
                    nextStep: "add one to endpoints in its configuration")
            }
            guard !plane.settings.endpoints.contains(careOf), careOf != host.address else {
                throw ControlError(.invalid, "\(careOf) can't be the far end of a tunnel for \(host.address)")
            }
            let kind: TunnelKind = host.key.map { .gre(key: $0, sequenced: host.sequenced ?? false) } ?? .ipInIP
            tunnel = Tunnel(local: local, peer: careOf, kind: kind)
        } else if host.key != nil || host.sequenced == true {
            throw ControlError(.invalid, "'key' and 'sequenced' are a tunnel's, and there is no 'careOf'")
        }
        let location: HostLocation
        switch (neighbour, tunnel) {
        case (let neighbour?, let tunnel?): location = .both(neighbour, tunnel, bicast: plane.settings.bicast)
        case (let neighbour?, nil): location = .attached(neighbour)
        case (nil, let tunnel?): location = .tunnelled(tunnel)
        case (nil, nil):
            throw ControlError(.invalid, "where is it? 'interface' and 'mac' for a link, 'careOf' for a tunnel")
        }
        let link = plane.settings.access.first { link in link.pools.contains { $0.contains(host.address) } }
        let chain = link.flatMap { ForwardingPlane.chainName($0.servers ?? plane.settings.servers.map(\.name)) }
        if let asked = host.chain, plane.chainIndex(asked) == 0 {
            throw ControlError(.invalid, "there is no server chain '\(asked)'")
        }
        return HostBinding(address: host.address, node: 0, location: location, chain: host.chain ?? chain)
    }
}

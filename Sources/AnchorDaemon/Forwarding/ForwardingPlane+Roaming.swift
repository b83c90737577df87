import AnchorCore
import AnchorDataPlane
import NetworkTypes

/// What becomes of the packets of a host that is here and known, while earlier ones of it are with the daemon.
enum HandOverOrder: Hashable, Sendable {
    /// They go on at once.
    case none
    /// They are handed to the daemon, too.
    case held
    /// They are handed to the daemon, too, until it has sent on all that it was handed.
    case draining
}

/// Hosts that roam between routers, and those routers.
extension ForwardingPlane {
    /// Where a neighbour's tunnels end; used is the family of the first endpoint here that it has one of too.
    func setRouter(_ peer: String, endpoints: [IPAddress]) throws(DataPlaneError) {
        guard let number = routers.number(of: peer) else { return }
        for local in settings.endpoints {
            guard let far = endpoints.first(where: { $0.family == local.family }) else { continue }
            let path = try tunnelPath(from: local, to: far, kind: .ipip)
            routers.set(far, of: peer)
            return try dataPlane.setRouter(number, RouterEntry(address: far, path: path))
        }
        reports.warn("\(peer) has no tunnel endpoint of a family that this router has one of")
    }

    /// Takes over what a former process has told the programs of; forgets routers that are none any more.
    func adoptRouters() throws(DataPlaneError) {
        for (number, router) in dataPlane.routers {
            if let peer = routers.name(of: number) {
                routers.set(router.address, of: peer)
            } else {
                try dataPlane.setRouter(number, nil)
            }
        }
    }

    /// After routes have changed.
    func rerouteRouters() throws(DataPlaneError) {
        for (peer, address) in routers.addresses { try setRouter(peer, endpoints: [address]) }
    }

    /// Puts the binding of a host in force, in one overwrite. What is on its way from where it was is taken before
    /// anything says that it comes from elsewhere, and until nothing does.
    /// - Parameter order: what becomes of its packets while others of it are with the daemon.
    func install(
        _ binding: RoamingBinding, chain: String?, order: HandOverOrder = .none
    ) throws(DataPlaneError) {
        let host = binding.address
        let former = roamingPeers[host] ?? []
        let accepted = Set(binding.alsoAcceptedFrom.compactMap { routers.address(of: $0) })
        for peer in accepted.subtracting(former) { try dataPlane.setAdmittedPeer(peer, of: host, isAdmitted: true) }
        translation?.admit(host)
        var entry = try entry(binding, chain: chain)
        if entry.attachment != nil {
            entry.isClaimed = entry.isClaimed || order == .held
            entry.isDraining = order == .draining
        }
        try dataPlane.setHost(entry)
        for peer in former.subtracting(accepted) { try dataPlane.setAdmittedPeer(peer, of: host, isAdmitted: false) }
        roamingPeers[host] = accepted.isEmpty ? nil : accepted
    }

    /// Takes out a host that roams.
    func removeRoaming(_ host: IPAddress) throws(DataPlaneError) {
        for peer in roamingPeers.removeValue(forKey: host) ?? [] {
            try dataPlane.setAdmittedPeer(peer, of: host, isAdmitted: false)
        }
        try remove(host)
    }

    private func entry(_ binding: RoamingBinding, chain: String?) throws(DataPlaneError) -> HostEntry {
        var entry = HostEntry(
            key: HostKey(binding.address), node: binding.epoch, chain: chainIndex(chain), isUnaware: true)
        entry.previous = binding.previous.flatMap { routers.number(of: $0) }.map { UInt32($0) + 1 } ?? 0
        switch binding.place {
        case .here(let neighbour, let isClaimed):
            entry.attachment = HostAttachment(mac: neighbour.mac, port: neighbour.interface.number)
            entry.isClaimed = isClaimed
            entry.anchors = routers.bits(binding.anchors)
        case .away(let peer):
            guard let far = routers.address(of: peer),
                let local = settings.endpoints.first(where: { $0.family == far.family })
            else { throw .invalid("\(binding.address): where \(peer) is isn't known") }
            let path = try tunnelPath(from: local, to: far, kind: .ipip)
            entry.tunnel = HostTunnel(peer: far, kind: .ipip, path: path)
            entry.isAsked = binding.isAsked
        }
        return entry
    }

    /// Takes packets that are on their way from the routers that a former process took them from.
    func admitAgain(_ binding: RoamingBinding) throws(DataPlaneError) {
        let peers = Set(binding.alsoAcceptedFrom.compactMap { routers.address(of: $0) })
        for peer in peers { try dataPlane.setAdmittedPeer(peer, of: binding.address, isAdmitted: true) }
        roamingPeers[binding.address] = peers.isEmpty ? nil : peers
    }

    /// What an entry says of a host that roams; `nil` where it names a router that is none any more.
    /// - Parameter admitted: further peers that its tunnelled packets are taken from.
    func binding(_ entry: HostEntry, admitted: Set<IPAddress>) -> RoamingBinding? {
        let place: RoamingBinding.Place
        if let attachment = entry.attachment {
            let neighbour = Neighbour(mac: attachment.mac, interface: InterfaceID(attachment.port))
            place = .here(neighbour, isClaimed: entry.isClaimed)
        } else if let tunnel = entry.tunnel, let peer = routers.peer(at: tunnel.peer) {
            place = .away(at: peer)
        } else {
            return nil
        }
        return RoamingBinding(
            address: entry.key.address, epoch: entry.node, place: place, anchors: routers.peers(entry.anchors),
            previous: entry.previous > 0 ? routers.name(of: Int(entry.previous) - 1) : nil, isAsked: entry.isAsked,
            alsoAcceptedFrom: Set(admitted.compactMap { routers.peer(at: $0) }))
    }
}

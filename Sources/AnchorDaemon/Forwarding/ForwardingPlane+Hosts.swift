import AnchorCore
import AnchorDataPlane
import Glibc
import Netlink
import NetworkTypes

extension ForwardingPlane {
    /// Puts bindings in force, each in one overwrite.
    func install(_ bindings: some Collection<HostBinding>) throws(DataPlaneError) {
        // What is in flight is accepted from where it was sent before anything says that it comes from elsewhere.
        for binding in bindings { try setFormerPeer(binding.alsoAcceptedFrom, of: binding.address) }
        // A host that is known and has no outside address would lose packets.
        if let translation { for binding in bindings { translation.admit(binding.address) } }
        if bindings.count == 1, let binding = bindings.first { return try dataPlane.setHost(try entry(binding)) }
        var entries: [HostEntry] = []
        entries.reserveCapacity(bindings.count)
        // Many tunnels in a row have the same path.
        var known: KnownPath?
        for binding in bindings { entries.append(try entry(binding, &known)) }
        try dataPlane.setHosts(entries)
    }

    private func setFormerPeer(_ peer: IPAddress?, of host: IPAddress) throws(DataPlaneError) {
        let former = formerPeers[host]
        guard peer != former else { return }
        if let peer { try dataPlane.setAdmittedPeer(peer, of: host, isAdmitted: true) }
        if let former { try dataPlane.setAdmittedPeer(former, of: host, isAdmitted: false) }
        formerPeers[host] = peer
    }

    /// Takes a host out, and with it what was in flight.
    func remove(_ host: IPAddress) throws(DataPlaneError) {
        try setFormerPeer(nil, of: host)
        try dataPlane.removeHost(HostKey(host))
        translation?.dismiss(host)
    }

    /// What the data plane holds for a binding.
    func entry(_ binding: HostBinding) throws(DataPlaneError) -> HostEntry {
        var known: KnownPath?
        return try entry(binding, &known)
    }

    func entry(_ binding: HostBinding, _ known: inout KnownPath?) throws(DataPlaneError) -> HostEntry {
        var entry = HostEntry(
            key: HostKey(binding.address), node: binding.isUnaware ? 0 : UInt32(truncatingIfNeeded: binding.node),
            chain: chainIndex(binding.chain), isUnaware: binding.isUnaware)
        if let neighbour = binding.location.neighbour {
            entry.attachment = HostAttachment(mac: neighbour.mac, port: neighbour.interface.number)
        }
        if let tunnel = binding.location.tunnel {
            let kind: AnchorDataPlane.TunnelKind =
                switch tunnel.kind {
                case .ipInIP: .ipip
                case .gre(let key, let sequenced): .gre(key: key, sequenced: sequenced)
                }
            let path = try tunnelPath(from: tunnel.local, to: tunnel.peer, kind: kind, &known)
            entry.tunnel = HostTunnel(peer: tunnel.peer, kind: kind, path: path)
        }
        if case .both(_, _, let bicast) = binding.location {
            entry.isBicast = bicast
            // The tunnel leads to the newer attachment: the older one is about to go, and what is on its way there with it.
            entry.prefersTunnel = true
        }
        return entry
    }

    func tunnelPath(
        from local: IPAddress, to peer: IPAddress, kind: AnchorDataPlane.TunnelKind
    ) throws(DataPlaneError) -> PathIndex {
        var known: KnownPath?
        return try tunnelPath(from: local, to: peer, kind: kind, &known)
    }

    /// A path that was asked for a moment ago, good until routes or path MTUs change.
    struct KnownPath {
        var specification: PathSpecification
        var index: PathIndex
        /// Other tunnels that it is the path of: from the same address, of the same kind, to any of these peers. `nil`
        /// where each peer has a path of its own.
        var peers: ClosedRange<IPAddress>?

        @inline(__always)
        func leads(to peer: IPAddress, from local: IPAddress, _ kind: EncapsulationKind) -> Bool {
            guard let peers, let outer = specification.encapsulation else { return false }
            return peers.contains(peer) && outer.source == local && outer.kind == kind
        }
    }

    private func tunnelPath(
        from local: IPAddress, to peer: IPAddress, kind: AnchorDataPlane.TunnelKind, _ known: inout KnownPath?
    ) throws(DataPlaneError) -> PathIndex {
        let kind = EncapsulationKind(kind)
        if let known, known.leads(to: peer, from: local, kind) { return known.index }
        let way = way(to: peer, from: local)
        let outer = Encapsulation(
            source: local, kind: kind, ttl: settings.tunnelTTL, dscp: settings.tunnelDSCP)
        let specification = PathSpecification(nextHop: way.hop, encapsulation: outer, pathMTU: way.mtu)
        if let known, known.specification == specification { return known.index }
        nextHops.follow(way.hop)
        let index = try dataPlane.path(for: specification)
        known = KnownPath(
            specification: specification, index: index, peers: learned.isEmpty ? ways.peersOfLastWay : nil)
        return index
    }

    /// After routes have changed: tunnels whose packets leave another way now get the path for it.
    func rerouteTunnels() throws(DataPlaneError) {
        var moved: [HostEntry] = []
        let sources = Dictionary(settings.endpoints.map { ($0.family, $0) }) { first, _ in first }
        var failure: DataPlaneError?
        var known: KnownPath?
        try dataPlane.scanHosts { entry, _ in
            guard let tunnel = entry.tunnel, let local = sources[tunnel.peer.family] else { return true }
            do throws(DataPlaneError) {
                let path = try tunnelPath(from: local, to: tunnel.peer, kind: tunnel.kind, &known)
                guard path != tunnel.path else { return true }
                var changed = entry
                changed.tunnel?.path = path
                moved.append(changed)
                return true
            } catch {
                failure = error
                return false
            }
        }
        if let failure { throw failure }
        if !moved.isEmpty { try dataPlane.setHosts(moved) }
        try rerouteRouters()
    }

    /// Takes out what the data plane holds and nobody wants: what a former process left.
    /// - Returns: how many there were.
    func removeHosts(unless isWanted: (IPAddress) -> Bool) throws(DataPlaneError) -> Int {
        var stale: [HostKey] = []
        try dataPlane.scanHosts { entry, _ in
            if !isWanted(entry.key.address) { stale.append(entry.key) }
            return true
        }
        for key in stale { try dataPlane.removeHost(key) }
        translation?.dismissAll(unless: isWanted)
        return stale.count
    }

    /// Hosts in a part of the table that were heard of lately.
    /// - Parameters:
    ///   - place: where to begin, 0 at first.
    ///   - count: places of the table to go through.
    /// - Returns: them, and where to go on; `nil` at the end.
    func activity(
        since span: Duration, at now: MonotonicInstant, from place: Int, places count: Int
    ) throws(DataPlaneError) -> (seen: [HostActivity], next: Int?) {
        var seen: [HostActivity] = []
        seen.reserveCapacity(min(count, dataPlane.hostTable.entries))
        let next = try dataPlane.scanHosts(seenWithin: span, from: place, places: count) { address, idle in
            seen.append(
                HostActivity(address: address, lastSeen: MonotonicInstant(nanoseconds: now.nanoseconds - idle)))
        }
        return (seen, next)
    }
}

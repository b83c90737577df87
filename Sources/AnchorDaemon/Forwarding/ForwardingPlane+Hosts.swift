import AnchorCore
import AnchorDataPlane
import Glibc
import Netlink
import NetworkTypes

/// How packets for a tunnel's far end leave this machine.
struct TunnelWay: Hashable {
    var hop: NextHop
    /// Bytes, where it is less than the link's.
    var mtu: UInt16?
}

extension ForwardingPlane {
    /// Ways that are remembered at once.
    private static let wayLimit = 1 << 16

    /// Puts bindings in force, each in one overwrite.
    func install(_ bindings: some Collection<HostBinding>) throws(DataPlaneError) {
        // What is in flight is accepted from where it was sent before anything says that it comes from elsewhere.
        for binding in bindings { try setFormerPeer(binding.alsoAcceptedFrom, of: binding.address) }
        if bindings.count == 1, let binding = bindings.first { return try dataPlane.setHost(try entry(binding)) }
        var entries: [HostEntry] = []
        entries.reserveCapacity(bindings.count)
        for binding in bindings { entries.append(try entry(binding)) }
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
    }

    /// What the data plane holds for a binding.
    func entry(_ binding: HostBinding) throws(DataPlaneError) -> HostEntry {
        var entry = HostEntry(
            key: HostKey(binding.address), node: UInt32(truncatingIfNeeded: binding.node),
            chain: chainIndex(binding.chain))
        if let neighbour = binding.location.neighbour {
            entry.attachment = HostAttachment(mac: neighbour.mac, port: neighbour.interface.number)
        }
        if let tunnel = binding.location.tunnel {
            let kind: AnchorDataPlane.TunnelKind =
                switch tunnel.kind {
                case .ipInIP: .ipip
                case .gre(let key, let sequenced): .gre(key: key, sequenced: sequenced)
                }
            entry.tunnel = HostTunnel(
                peer: tunnel.peer, kind: kind, path: try tunnelPath(from: tunnel.local, to: tunnel.peer, kind: kind))
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
        let way = way(to: peer, from: local)
        nextHops.follow(way.hop)
        let outer = Encapsulation(
            source: local, kind: EncapsulationKind(kind), ttl: settings.tunnelTTL, dscp: settings.tunnelDSCP)
        return try dataPlane.path(for: PathSpecification(nextHop: way.hop, encapsulation: outer, pathMTU: way.mtu))
    }

    /// As the kernel would route it. Where it can't, the packet goes to the kernel, which says so to its sender.
    private func way(to peer: IPAddress, from local: IPAddress) -> TunnelWay {
        if let way = ways[peer] { return way }
        var way = TunnelWay(hop: .kernel, mtu: settings.coreMTU)
        do throws(NetlinkError) {
            let route = try netlink.route(to: peer, from: local)
            if route.kind == .unicast, let interface = route.interface, let port = ports.kernelIndices[interface] {
                way.hop = .neighbour(route.gateway ?? peer, port: port)
            }
            if let mtu = route.mtu { way.mtu = min(settings.coreMTU, UInt16(clamping: mtu)) }
        } catch {
            if ![ENETUNREACH, EHOSTUNREACH].contains(error.code) { reports.warn("\(error)") }
        }
        if let learned = learned[peer] { way.mtu = min(way.mtu ?? learned.mtu, learned.mtu) }
        if ways.count >= Self.wayLimit { ways.removeAll(keepingCapacity: true) }
        ways[peer] = way
        return way
    }

    /// After routes have changed: tunnels whose packets leave another way now get the path for it.
    func rerouteTunnels() throws(DataPlaneError) {
        var moved: [HostEntry] = []
        let sources = Dictionary(settings.endpoints.map { ($0.family, $0) }) { first, _ in first }
        var failure: DataPlaneError?
        try dataPlane.scanHosts { entry, _ in
            guard let tunnel = entry.tunnel, let local = sources[tunnel.peer.family] else { return true }
            do throws(DataPlaneError) {
                let path = try tunnelPath(from: local, to: tunnel.peer, kind: tunnel.kind)
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
    }

    /// Takes out what the data plane holds beyond the addresses given: what a former process left.
    /// - Returns: how many there were.
    func removeHosts(except wanted: Set<IPAddress>) throws(DataPlaneError) -> Int {
        var stale: [HostKey] = []
        try dataPlane.scanHosts { entry, _ in
            if !wanted.contains(entry.key.address) { stale.append(entry.key) }
            return true
        }
        for key in stale { try dataPlane.removeHost(key) }
        return stale.count
    }

    /// Hosts that were heard of lately.
    func activity(since span: Duration, at now: MonotonicInstant) throws(DataPlaneError) -> [HostActivity] {
        var seen: [HostActivity] = []
        try dataPlane.scanHosts { entry, idle in
            if idle <= span {
                let ago = idle.components.seconds * 1_000_000_000 + idle.components.attoseconds / 1_000_000_000
                seen.append(
                    HostActivity(
                        address: entry.key.address, lastSeen: MonotonicInstant(nanoseconds: now.nanoseconds - ago)))
            }
            return true
        }
        return seen
    }
}

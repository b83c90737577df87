import AnchorCore
import AnchorDataPlane
import NetworkTypes

/// A path MTU that an ICMP error told of (RFC 1191).
struct LearnedMTU: Hashable {
    /// The host whose packet it was.
    var host: IPAddress
    /// Bytes, outer headers included.
    var mtu: UInt16
    var until: MonotonicInstant
}

extension ForwardingPlane {
    /// RFC 1191, section 6.3: after so long a larger one is tried.
    private static let learnedLifetime = TimeSpan.seconds(600)
    /// Peers whose path MTU is remembered at once.
    private static let learnedLimit = 1 << 14

    /// Whether packets to the host are tunnelled from that endpoint to that peer.
    func tunnels(_ host: IPAddress, from endpoint: IPAddress, to peer: IPAddress) -> Bool {
        guard settings.endpoints.contains(endpoint), let entry = try? dataPlane.host(HostKey(host)) else {
            return false
        }
        return entry.tunnel?.peer == peer
    }

    /// Packets of the host's from now on are made to fit.
    func learn(_ mtu: Int, to peer: IPAddress, host: IPAddress, at now: MonotonicInstant) throws(DataPlaneError) {
        guard mtu < learned[peer].map({ Int($0.mtu) }) ?? Int(settings.coreMTU) else { return }
        if learned.count >= Self.learnedLimit { learned.removeAll() }
        learned[peer] = LearnedMTU(host: host, mtu: UInt16(clamping: mtu), until: now + Self.learnedLifetime)
        try reroute(host)
    }

    /// Forgets what was learned long ago.
    func forgetPathMTUs(at now: MonotonicInstant) throws(DataPlaneError) {
        for (peer, entry) in learned where entry.until < now {
            learned[peer] = nil
            try reroute(entry.host)
        }
    }

    private func reroute(_ host: IPAddress) throws(DataPlaneError) {
        guard var entry = try dataPlane.host(HostKey(host)), let tunnel = entry.tunnel,
            let local = settings.endpoints.first(where: { $0.family == tunnel.peer.family })
        else { return }
        let path = try tunnelPath(from: local, to: tunnel.peer, kind: tunnel.kind)
        guard path != tunnel.path else { return }
        entry.tunnel?.path = path
        try dataPlane.setHost(entry)
    }
}

import AnchorProtocol
import NetworkTypes

/// Sessions come and go: what is not acknowledged is said again (T17).
extension Roaming {
    mutating func sessionUp(_ peer: String, at now: MonotonicInstant, _ actions: inout [RoamingAction]) {
        guard peers.contains(peer) else { return }
        connected.insert(peer)
        for address in hosts.keys.sorted() {
            change(address, at: now, &actions) { $0.resume(&$1, with: peer, at: now, &$2) }
        }
    }

    private mutating func resume(
        _ host: inout RoamingRecord, with peer: String, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        host.leases[peer] = nil
        host.unlinks[peer] = nil
        if host.untold.contains(peer) { sendMoved(host, to: peer, &actions) }
        switch host.place {
        case .claiming(let search): if search.isWide { ask(peer, &host, at: now, &actions) }
        case .here: break
        case .away:
            guard host.away?.at == peer else { break }
            sendState(host, &actions)
            startTransfer(&host, at: now, &actions)
            askAgain(&host, at: now)
        case .gone: break
        }
        if host.unanswered.contains(peer), host.isHere || host.isAway { sendClaim(host, to: peer, at: now, &actions) }
    }

    mutating func sessionDown(_ peer: String, at now: MonotonicInstant, _ actions: inout [RoamingAction]) {
        guard connected.remove(peer) != nil else { return }
        claimPatience.forget(peer)
        for address in hosts.keys.sorted() {
            change(address, at: now, &actions) { roaming, host, actions in
                roaming.missing(peer, &host, at: now)
                if host.away?.at == peer { roaming.cancelTransfer(&host, &actions) }
                roaming.sendHeldBack(&host, [peer], &actions)
                guard var search = host.search else { return }
                search.kept[peer] = nil
                search.asked.remove(peer)
                let wasAwaited = search.outstanding.remove(peer) != nil
                host.search = search
                guard wasAwaited else { return }
                host.unanswered.insert(peer)
                roaming.searchOn(&host, at: now, &actions)
            }
        }
    }

    /// There is no session with a router that has to do with the host.
    func missing(_ peer: String, _ host: inout RoamingRecord, at now: MonotonicInstant) {
        if host.away?.at == peer || host.isHere && host.sharers.contains(peer), host.leases[peer] == nil {
            host.leases[peer] = now + configuration.lease
        }
        if host.isHere, host.chain.contains(peer), host.unlinks[peer] == nil {
            host.unlinks[peer] = now + configuration.grace
        }
    }
}

import AnchorProtocol
import NetworkTypes

/// What happens when nothing does.
extension Roaming {
    mutating func runDue(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        if let search = host.search, search.deadline <= now {
            for peer in search.outstanding { claimPatience.missed(peer) }
            settleAsNew(&host, at: now, &actions)
        }
        if host.former.values.contains(where: { $0 <= now }) {
            host.former = host.former.filter { $0.value > now }
            refresh(&host, &actions)
        }
        runUnlinks(&host, at: now, &actions)
        runLeases(&host, at: now, &actions)
        guard !host.isForgotten else { return }
        if let due = host.tellAgain, due <= now { tellAgain(&host, at: now, &actions) }
        if let due = host.away?.transfer?.deadline, due <= now, let waiting = host.away?.transfer?.waiting {
            sendHeldBack(&host, waiting, &actions)
        }
        if let due = host.away?.cleanUp, due <= now { cleanUp(&host, at: now, &actions) }
        guard !host.isForgotten else { return }
        if let due = host.away?.askAgain, due <= now {
            if host.isAway { sendState(host, &actions) }
            host.away?.askAgain = nil
            askAgain(&host, at: now)
        }
    }

    private mutating func tellAgain(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        if let end = host.tellEnd, end <= now {
            let given = host.untold
            host.untold = []
            return told(&host, given, at: now, &actions)
        }
        tellNow(host, to: host.untold, &actions)
        host.tellAgain = now + max(configuration.tellPatience, .milliseconds(100))
    }

    /// A router that can't be reached is neither waited for nor asked about flows any more, so that new ones begin.
    private mutating func runUnlinks(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        let due = host.unlinks.filter { $0.value <= now }.keys
        guard !due.isEmpty else { return }
        for router in due { host.unlinks[router] = nil }
        guard host.isHere else { return }
        host.lost.formUnion(due)
        refresh(&host, &actions)
        let others = Set(host.chain).subtracting(host.lost)
        host.untold.formUnion(others)
        planTelling(&host, at: now)
        tellNow(host, to: others, &actions)
        finishTables(&host, at: now, &actions)
    }

    private mutating func runLeases(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        for router in host.leases.filter({ $0.value <= now }).keys.sorted() {
            host.leases[router] = nil
            actions.append(.report(.leaseEnded(host.address, router: router)))
            if host.isHere {
                host.anchors.remove(router)
                host.chain.removeAll { $0 == router }
                host.lost.remove(router)
                host.untold.remove(router)
                refresh(&host, &actions)
                actions.append(.removeAway(host.address, router: router))
                finishTables(&host, at: now, &actions)
            } else if host.isAway, host.away?.at == router {
                forget(&host, &actions)
                return
            }
        }
    }
}

import AnchorProtocol
import NetworkTypes

/// A host changes hands.
extension Roaming {
    /// It is `peer`'s from now on. Its entry is changed before anybody is told.
    /// - Parameter isPartial: another router had it, which can't be reached; others do as this one does.
    mutating func handOver(
        _ host: inout RoamingRecord, to peer: String, knownEpoch: UInt32, isPartial: Bool = false,
        at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        let isTranslated = isTranslated(host.address)
        cancelTransfer(&host, &actions)
        host.epoch = epoch(after: host.epoch, claimed: knownEpoch)
        let isWaiting = !isPartial && (host.away.map { $0.isAsked && !$0.isAcknowledged } ?? true)
        let others = isWaiting ? host.sharers.subtracting([name, peer]) : []
        // Who can't be told asks whom it asked before, and maybe in circles: it says itself what it has once it can.
        let rest = isWaiting ? host.chain.filter { others.contains($0) && connected.contains($0) } : []
        host.anchors = others
        host.chain = isTranslated ? Array(([name] + rest).prefix(Self.mostRouters)) : []
        let oldPlace = host.away.map(\.at)
        if let oldPlace, oldPlace != peer { host.former[oldPlace] = now + configuration.grace }
        host.former[peer] = nil
        var away = RoamingAway(at: peer, since: now)
        away.isAsked = isTranslated
        away.isAcknowledged = !isTranslated
        away.hasFlows = isTranslated ? host.away?.hasFlows ?? true : host.isHome || host.away?.hasFlows ?? false
        away.cleanUp = isTranslated ? nil : now + configuration.grace
        host.away = away
        host.place = .away
        host.arrived = []
        host.lost = []
        host.expected = [:]
        host.unlinks = [:]
        host.leases = [:]
        host.untold = host.anchors
        // If it is alive after all, the two have to find out which one has the host.
        if let oldPlace, oldPlace != peer { host.untold.insert(oldPlace) }
        host.unanswered.remove(peer)
        refresh(&host, &actions)
        let anchors = host.anchors.sorted() + (isTranslated || away.hasFlows ? [name] : [])
        let grant = Grant(
            host: RoamingHost(host.address), epoch: host.epoch, anchors: Array(anchors.suffix(Self.mostRouters)),
            pending: host.chain, isPartial: isPartial)
        actions.append(.send(.grant(grant), to: peer))
        planTelling(&host, at: now)
        tellNow(host, to: host.untold, &actions)
        startTransfer(&host, at: now, &actions)
        askAgain(&host, at: now)
        actions.append(.report(.handedOver(host.address, epoch: host.epoch, to: peer)))
        log.append(
            RoamingHandover(address: host.address, epoch: host.epoch, from: name, to: peer, began: now))
        if !connected.contains(peer) { missing(peer, &host, at: now) }
    }

    mutating func granted(
        _ host: inout RoamingRecord, _ grant: Grant, by peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        switch host.place {
        case .gone:
            actions.append(
                .send(.gone(HostEpoch(host: grant.host, epoch: max(grant.epoch, host.epoch))), to: peer))
        case .claiming(var search):
            guard search.asked.contains(peer) || grant.epoch > host.epoch else {
                return refuse(host.address, .unasked, from: peer, &actions)
            }
            hasAnswered(peer, search, at: now)
            if grant.isPartial {
                search.outstanding.remove(peer)
                if !search.partial.contains(where: { $0.peer == peer }) { search.partial.append((peer, grant)) }
                host.search = search
                if search.outstanding.isEmpty { settleAsNew(&host, at: now, &actions) }
            } else {
                take(&host, grant, from: peer, search, at: now, &actions)
            }
        case .here: merge(&host, grant, from: peer, at: now, &actions)
        case .away:
            guard let away = host.away else { return }
            if away.at == peer {
                // Both have given it to the other at the same time.
                guard grant.epoch > host.epoch || grant.epoch == host.epoch && name < peer else { return }
                // Others may have been told the other place with this epoch.
                if grant.epoch == host.epoch { host.epoch = epoch(after: host.epoch) }
                takeBack(&host, grant, from: peer, at: now, &actions)
            } else if grant.epoch > host.epoch, host.neighbour != nil {
                // A move overtook this one's; whoever has it now is told.
                let place = away.at
                takeBack(&host, grant, from: peer, at: now, &actions)
                guard host.isHere else { return }
                host.unanswered.insert(place)
                sendClaim(host, to: place, at: now, &actions)
            } else {
                pass(&host, grant, from: peer, at: now, &actions)
            }
        }
    }

    /// It is here: a search has found the router that had it.
    mutating func take(
        _ host: inout RoamingRecord, _ grant: Grant, from peer: String, _ search: RoamingSearch,
        at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        let told = Set(grant.anchors).union(grant.pending).union([peer])
        let wasHigher = host.epoch > grant.epoch
        host.epoch = max(host.epoch, grant.epoch)
        // What this router has handed over before, and its table hasn't arrived anywhere: the other one may never
        // have known of those that it waited for.
        let isWaiting = host.away.map { $0.isAsked && !$0.isAcknowledged } ?? false
        let own = isWaiting ? host.chain : []
        // Those that have not heard that it had left have it here still.
        let ownAnchors = (isWaiting ? host.anchors : []).union(host.away == nil ? [] : host.untold)
        cancelTransfer(&host, &actions)
        host.chain = grant.pending.filter { $0 != name && peers.contains($0) }
        for router in own where router != name && !host.chain.contains(router) { host.chain.append(router) }
        host.anchors = Set(grant.anchors).union(host.chain).union(ownAnchors).intersection(peers)
        host.anchors.subtract(search.released.subtracting(host.chain))
        host.former = [peer: now + configuration.grace]
        host.unanswered.formUnion(search.outstanding.union(peers.subtracting(connected)))
        host.unanswered.remove(peer)
        let untold = wasHigher ? host.sharers : host.sharers.subtracting(told)
        let isLonger = host.chain.count > grant.pending.count(where: { $0 != name })
        host.untold = untold.isEmpty && !isLonger ? [] : untold.union(host.chain)
        settle(&host, from: peer, search, at: now, &actions)
        planTelling(&host, at: now)
        tellNow(host, to: host.untold, &actions)
        for (other, grant) in search.partial where other != peer {
            host.unanswered.insert(other)
            merge(&host, grant, from: other, at: now, &actions)
        }
        askMissed(&host, &actions)
        finishTables(&host, at: now, &actions)
        answerKept(&host, search, except: peer, at: now, &actions)
    }

    /// It is here again without having been looked for.
    private mutating func takeBack(
        _ host: inout RoamingRecord, _ grant: Grant, from peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        guard host.neighbour != nil else {
            actions.append(.send(.gone(HostEpoch(host: grant.host, epoch: grant.epoch)), to: peer))
            return
        }
        let search = RoamingSearch(asked: [peer], began: now, deadline: now)
        host.place = .claiming(search)
        take(&host, grant, from: peer, search, at: now, &actions)
    }

    /// It is here already, and another router says so too: one that answers late, that was told so by another one, or that
    /// repeats itself.
    private mutating func merge(
        _ host: inout RoamingRecord, _ grant: Grant, from peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        let isKnown = host.sharers.contains(peer) || host.unanswered.contains(peer)
        guard isKnown || grant.epoch > host.epoch else {
            // Its flows have nothing to come back by.
            actions.append(.send(.gone(HostEpoch(host: grant.host, epoch: host.epoch)), to: peer))
            return refuse(host.address, .unasked, from: peer, &actions)
        }
        host.unanswered.remove(peer)
        var isChanged = grant.epoch != host.epoch
        host.epoch = max(host.epoch, grant.epoch)
        let known = host.anchors
        for router in grant.pending where router != name && peers.contains(router) {
            host.lost.remove(router)
            host.unlinks[router] = nil
            if !host.chain.contains(router), router == peer || !known.contains(router) {
                host.chain.append(router)
                isChanged = true
            }
        }
        let others = Set(grant.anchors).union(host.chain).intersection(peers)
        if !others.isSubset(of: host.anchors) { isChanged = true }
        host.anchors.formUnion(others)
        // Whom it asks next must be whom it has to ask.
        let isLinked = host.chain.drop { $0 != peer }.elementsEqual(grant.pending.drop { $0 != peer })
        if host.isHome, !host.anchors.isEmpty { host.isHome = false }
        host.leases[peer] = nil
        defer { askMissed(&host, &actions) }
        for router in host.sharers where !connected.contains(router) { missing(router, &host, at: now) }
        guard isChanged else {
            guard !isLinked, host.chain.contains(peer) else { return }
            host.untold.insert(peer)
            planTelling(&host, at: now)
            return sendMoved(host, to: peer, &actions)
        }
        host.untold = host.sharers
        refresh(&host, &actions)
        planTelling(&host, at: now)
        tellNow(host, to: host.untold, &actions)
    }

    /// It isn't here any more: the router that has it, as far as this one knows, hears of what the other one has, and
    /// the other one of where it is.
    private mutating func pass(
        _ host: inout RoamingRecord, _ grant: Grant, from peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        guard let away = host.away else { return }
        if grant.epoch < host.epoch, host.untold.contains(peer) {
            // Its own move has not arrived there yet; the router that has the host knows of it.
            return sendMoved(host, to: peer, &actions)
        }
        cancelTransfer(&host, &actions)
        host.epoch = epoch(after: max(host.epoch, grant.epoch))
        host.away?.wasSent = false
        var chain = away.isAsked && !away.isAcknowledged ? host.chain : []
        for router in grant.pending where router != name && router != away.at && !chain.contains(router) {
            chain.append(router)
        }
        chain = Array(chain.filter { $0 == name || peers.contains($0) }.prefix(Self.mostRouters))
        if away.isAsked { host.chain = chain }
        let others = Set(grant.anchors).union(chain).union([peer]).intersection(peers).subtracting([away.at])
        if away.isAsked { host.anchors.formUnion(others) }
        refresh(&host, &actions)
        let forwarded = Grant(
            host: grant.host, epoch: host.epoch, anchors: Array((others.sorted() + [name]).prefix(Self.mostRouters)),
            pending: chain)
        actions.append(.send(.grant(forwarded), to: away.at))
        host.untold.formUnion(others)
        planTelling(&host, at: now)
        for router in others.sorted() { sendMoved(host, to: router, pending: chain, &actions) }
        startTransfer(&host, at: now, &actions)
    }

    static var mostRouters: Int { 32 }
}

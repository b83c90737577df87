import AnchorProtocol
import NetworkTypes

/// A host comes: who had it?
extension Roaming {
    mutating func attach(
        _ address: IPAddress, _ neighbour: Neighbour, from previous: String?, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        var host: RoamingRecord
        if let known = hosts[address] {
            host = known
        } else {
            guard hosts.count < configuration.hostLimit else {
                actions.append(.refuse(address))
                return refuse(address, .full, from: name, &actions)
            }
            host = RoamingRecord(address, epoch: 0, place: .gone, neighbour: neighbour, at: now)
        }
        host.lastSeen = now
        switch host.place {
        case .here:
            if host.neighbour != neighbour {
                host.neighbour = neighbour
                host.attached = now
                refresh(&host, &actions)
            }
            actions.append(.release(address))
        case .claiming:
            host.neighbour = neighbour
            host.attached = host.attached ?? now
            refresh(&host, &actions)
        case .away, .gone:
            host.neighbour = neighbour
            host.attached = now
            search(&host, from: previous, at: now, &actions)
        }
        store(host)
    }

    /// Asks the router that it says to come from, or else the one that it went to from here, or else all. Whoever is
    /// asked decides, so that it does not matter who says so.
    private mutating func search(
        _ host: inout RoamingRecord, from previous: String?, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        var search = RoamingSearch(began: now, deadline: now)
        host.away?.isReleasing = false
        if case .gone = host.place { forgetUntold(&host) }
        if let likely = [previous, host.away?.at].compactMap({ $0 }).first(where: connected.contains) {
            search.outstanding = [likely]
        } else {
            search.outstanding = connected
            search.isWide = true
        }
        search.asked = search.outstanding
        let asked = search.outstanding
        search.deadline = now + patience(asked)
        host.place = .claiming(search)
        guard !asked.isEmpty else { return settleAsNew(&host, at: now, &actions) }
        refresh(&host, &actions)
        actions.append(.report(.claimed(host.address)))
        for peer in asked.sorted() { sendClaim(host, to: peer, at: now, &actions) }
    }

    func sendClaim(
        _ host: RoamingRecord, to peer: String, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard let neighbour = host.neighbour, connected.contains(peer) else { return }
        let claim = Claim(
            host: RoamingHost(host.address), knownEpoch: host.epoch, age: age(host, at: now), mac: neighbour.mac)
        actions.append(.send(.claim(claim), to: peer))
    }

    /// Asks one more router.
    func ask(
        _ peer: String, _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard var search = host.search, connected.contains(peer), search.asked.insert(peer).inserted else { return }
        search.outstanding.insert(peer)
        host.search = search
        sendClaim(host, to: peer, at: now, &actions)
    }

    /// All that were asked have answered: the others, or it is new.
    mutating func searchOn(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard var search = host.search, search.outstanding.isEmpty else { return }
        let others = connected.subtracting(search.asked)
        guard !search.isWide, !others.isEmpty else { return settleAsNew(&host, at: now, &actions) }
        search.isWide = true
        search.lastAsked = now
        search.deadline = now + patience(others)
        host.search = search
        for peer in others.sorted() { ask(peer, &host, at: now, &actions) }
    }

    func patience(_ asked: some Sequence<String>) -> TimeSpan {
        claimPatience.span(asked, shortest: configuration.claimPatience)
    }

    /// Somebody has answered a claim of this search.
    mutating func hasAnswered(_ peer: String, _ search: RoamingSearch, at now: MonotonicInstant) {
        if search.outstanding.contains(peer) { claimPatience.answered(peer, after: now - search.lastAsked) }
    }

    /// Nobody has it, or nobody says so in time.
    mutating func settleAsNew(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard let search = host.search else { return }
        if let first = search.partial.first {
            return take(&host, first.grant, from: first.peer, search, at: now, &actions)
        }
        host.unanswered.formUnion(search.outstanding)
        host.unanswered.formUnion(peers.subtracting(connected))
        host.epoch = epoch(after: host.epoch)
        if let away = host.away {
            // What is sent there is for nobody; flows that began elsewhere may work again when their routers are told.
            let own = away.isAsked && !away.isAcknowledged ? host.sharers.subtracting([name]) : []
            cancelTransfer(&host, &actions)
            host.anchors = own
            host.untold = own
            if !own.isEmpty { planTelling(&host, at: now) }
        } else {
            host.anchors = []
        }
        host.chain = []
        settle(&host, from: nil, search, at: now, &actions)
        tellNow(host, to: host.untold, &actions)
        answerKept(&host, search, except: nil, at: now, &actions)
    }

    /// It is here now, whoever had it.
    mutating func settle(
        _ host: inout RoamingRecord, from peer: String?, _ search: RoamingSearch, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        host.place = .here
        host.away = nil
        host.isAdopted = false
        host.isHome = !isTranslated(host.address) && host.anchors.isEmpty
        host.arrived = []
        host.lost = []
        host.expected = [:]
        host.unlinks = [:]
        host.leases = [:]
        for router in host.sharers where !connected.contains(router) { missing(router, &host, at: now) }
        refresh(&host, &actions)
        actions.append(.release(host.address))
        for other in host.unanswered.subtracting(search.asked).sorted() {
            sendClaim(host, to: other, at: now, &actions)
        }
        actions.append(
            .report(.settled(host.address, epoch: host.epoch, from: peer, after: now - search.began)))
        var handover = RoamingHandover(
            address: host.address, epoch: host.epoch, from: peer, to: name, began: search.began, settled: now,
            finished: host.chain.isEmpty ? now : nil)
        handover.asked = search.asked.sorted()
        log.append(handover)
    }

    // MARK: Other routers' claims

    mutating func claimed(
        _ host: inout RoamingRecord, _ claim: Claim, by peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        let attached = attachment(age: claim.age, at: now)
        switch host.place {
        case .gone: sendUnknown(host, to: peer, &actions)
        case .claiming(var search):
            // Where both wait, one must not: the one whose name is higher says at once that it has nothing. Else an answer
            // can wait until there is one, since whoever has the host may just be giving it to this router.
            search.kept[peer] = RoamingSearch.KeptClaim(
                attached: attached, knownEpoch: claim.knownEpoch, mac: claim.mac)
            host.search = search
            if name > peer, search.outstanding.contains(peer) { sendUnknown(host, to: peer, &actions) }
        case .here:
            let isLater = host.attached.map { attached >= $0 } ?? true
            if claim.mac == host.neighbour?.mac {
                guard isLater else { return sendHeld(host, to: peer, at: now, &actions) }
            } else {
                guard isLater else { return sendUnknown(host, to: peer, &actions) }
                guard now - host.lastSeen >= configuration.patience else {
                    return sendHeld(host, to: peer, at: now, &actions)
                }
            }
            handOver(&host, to: peer, knownEpoch: claim.knownEpoch, at: now, &actions)
        case .away:
            guard let away = host.away else { return }
            // There it is, and doesn't know what is here; or nobody else can say that it isn't where it was [0084].
            guard away.at == peer || !connected.contains(away.at) else {
                if claim.age > 0 { sendOther(host, at: peer, epoch: claim.knownEpoch, &actions) }
                return sendUnknown(host, to: peer, &actions)
            }
            // It asks whether anybody else has it, and knows what there is to know.
            guard away.at != peer || claim.knownEpoch != host.epoch else { return sendState(host, &actions) }
            // The one that gave it there says so itself, and knows more.
            if away.at == peer, let granter = away.granter, granter != peer, connected.contains(granter) {
                return sendUnknown(host, to: peer, &actions)
            }
            // Where it is may not even know that it was given there: then this router still speaks for all.
            let isOwn = away.granter == nil && away.isAsked && !away.isAcknowledged
            handOver(
                &host, to: peer, knownEpoch: claim.knownEpoch, isPartial: away.at != peer && !isOwn, at: now,
                &actions)
        }
    }

    func sendUnknown(_ host: RoamingRecord, to peer: String, _ actions: inout [RoamingAction]) {
        actions.append(.send(.unknown(Unknown(host: RoamingHost(host.address))), to: peer))
    }

    func sendHeld(
        _ host: RoamingRecord, to peer: String, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        let held = Held(host: RoamingHost(host.address), epoch: host.epoch, age: age(host, at: now))
        actions.append(.send(.held(held), to: peer))
        refuse(host.address, .held, from: peer, &actions)
    }

    /// Claims that came while it was being looked for. Of two routers that look for it at the same time both may have
    /// found it, or found nothing: the one that it came to last gets it.
    mutating func answerKept(
        _ host: inout RoamingRecord, _ search: RoamingSearch, except granter: String?, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        var kept = search.kept
        if let granter { kept[granter] = nil }
        let latestFirst = kept.sorted { ($1.value.attached, $0.key) < ($0.value.attached, $1.key) }
        for (peer, claim) in latestFirst where connected.contains(peer) {
            guard host.isHere, let attached = host.attached else {
                sendUnknown(host, to: peer, &actions)
                continue
            }
            let isLater = claim.attached >= attached
            let isSame = claim.mac == host.neighbour?.mac
            if isLater, isSame {
                handOver(&host, to: peer, knownEpoch: claim.knownEpoch, at: now, &actions)
            } else if name > peer {
                // It was told that there is nothing here.
                host.unanswered.insert(peer)
                sendClaim(host, to: peer, at: now, &actions)
            } else if isSame || isLater {
                sendHeld(host, to: peer, at: now, &actions)
            } else {
                sendUnknown(host, to: peer, &actions)
            }
        }
    }

    // MARK: Answers that give nothing

    mutating func notKnown(
        _ host: inout RoamingRecord, by peer: String, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        host.unanswered.remove(peer)
        if let search = host.search { hasAnswered(peer, search, at: now) }
        guard var search = host.search, search.outstanding.remove(peer) != nil else { return }
        host.search = search
        searchOn(&host, at: now, &actions)
    }

    mutating func held(
        _ host: inout RoamingRecord, _ held: Held, by peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        switch host.place {
        case .claiming(let search):
            // If another one had it too, that is found out when this search is over.
            guard search.asked.contains(peer) else { return refuse(host.address, .unasked, from: peer, &actions) }
            if host.away == nil {
                // Somebody may be giving it to this router at this moment, so it is not forgotten yet.
                var away = RoamingAway(at: peer, since: now)
                away.hasFlows = host.isAdopted
                away.isAsked = host.isAdopted
                away.cleanUp = host.isAdopted ? nil : now + configuration.grace
                host.away = away
                host.epoch = held.epoch
                if host.isAdopted { host.chain = [name] }
            }
            host.unanswered.formUnion(search.outstanding)
            host.place = .away
            refresh(&host, &actions)
            actions.append(.refuse(host.address))
            refuse(host.address, .held, from: peer, &actions)
            for other in search.kept.keys.sorted() { sendUnknown(host, to: other, &actions) }
            if host.isAdopted { sendState(host, &actions) }
            host.isAdopted = false
            startTransfer(&host, at: now, &actions)
            askAgain(&host, at: now)
        case .here:
            guard host.unanswered.remove(peer) != nil else {
                return refuse(host.address, .unasked, from: peer, &actions)
            }
            handOver(&host, to: peer, knownEpoch: held.epoch, at: now, &actions)
        case .away:
            guard host.unanswered.remove(peer) != nil else { return }
            sendOther(host, at: peer, epoch: held.epoch, &actions)
        case .gone: host.unanswered.remove(peer)
        }
    }
}

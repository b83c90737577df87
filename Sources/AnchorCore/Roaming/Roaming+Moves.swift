import AnchorProtocol
import NetworkTypes

/// Routers with flows of a host learn where it is [0081].
extension Roaming {
    // MARK: Telling

    func sendMoved(
        _ host: RoamingRecord, to peer: String, pending: [String]? = nil, areAnchorsTold: Bool = false,
        _ actions: inout [RoamingAction]
    ) {
        guard connected.contains(peer) else { return }
        let shared = RoamingHost(host.address)
        if case .gone = host.place {
            actions.append(.send(.gone(HostEpoch(host: shared, epoch: host.epoch)), to: peer))
            return
        }
        let place = host.isHere ? name : host.away?.at ?? name
        let moved = Moved(
            host: shared, epoch: host.epoch, to: place,
            pending: Array((pending ?? host.chain.filter { !host.lost.contains($0) }).prefix(Self.mostRouters)),
            areAnchorsTold: areAnchorsTold)
        actions.append(.send(.moved(moved), to: peer))
    }

    func tellNow(_ host: RoamingRecord, to routers: Set<String>, _ actions: inout [RoamingAction]) {
        for router in routers.sorted() { sendMoved(host, to: router, &actions) }
    }

    /// Untold routers are told again until they say that they know.
    func planTelling(_ host: inout RoamingRecord, at now: MonotonicInstant) {
        guard !host.untold.isEmpty else { return forgetUntold(&host) }
        host.tellAgain = now + max(configuration.tellPatience, .milliseconds(100))
        host.tellEnd = now + configuration.lease
    }

    func forgetUntold(_ host: inout RoamingRecord) {
        host.untold = []
        host.tellAgain = nil
        host.tellEnd = nil
    }

    mutating func movedAck(
        _ host: inout RoamingRecord, _ ack: HostEpoch, from peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        guard ack.epoch >= host.epoch, host.untold.remove(peer) != nil else { return }
        told(&host, [peer], at: now, &actions)
    }

    /// These know, or won't: what waited for them goes on.
    mutating func told(
        _ host: inout RoamingRecord, _ routers: Set<String>, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        if let away = host.away, away.transfer?.isToldByOther == false {
            sendHeldBack(&host, routers, &actions)
        }
        guard host.untold.isEmpty else { return }
        forgetUntold(&host)
        switch host.place {
        case .gone: forget(&host, &actions)
        case .away:
            if host.away?.granter == nil { sayAllAreTold(host, &actions) }
            releaseIfDone(&host, at: now, &actions)
        case .here: sayAllAreTold(host, &actions)
        case .claiming: break
        }
    }

    /// To those that send their tables.
    private func sayAllAreTold(_ host: RoamingRecord, _ actions: inout [RoamingAction]) {
        for router in host.chain where router != name && router != host.away?.at {
            sendMoved(host, to: router, areAnchorsTold: true, &actions)
        }
    }

    // MARK: Being told

    mutating func moved(
        _ host: inout RoamingRecord, _ moved: Moved, says peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        let isPeer = moved.to == name || peers.contains(moved.to)
        guard isPeer else { return refuse(host.address, .stranger, from: peer, &actions) }
        switch host.place {
        case .gone:
            acknowledge(host, moved, to: peer, &actions)
            sayNothingIsLeft(moved, &actions)
        case .here:
            acknowledge(host, moved, to: peer, &actions)
            // Another router that thinks that it has it.
            if moved.to != name, moved.epoch >= host.epoch, host.unanswered.insert(moved.to).inserted {
                sendClaim(host, to: moved.to, at: now, &actions)
            }
        case .claiming:
            guard let away = host.away, moved.to != name else {
                return acknowledge(host, moved, to: peer, &actions)
            }
            guard obeys(host, moved, says: peer, at: now, &actions) else { return }
            if moved.epoch > host.epoch {
                host.epoch = moved.epoch
                host.away?.at = moved.to
                host.chain = moved.pending
            }
            acknowledge(host, moved, to: peer, &actions)
            if away.at == peer { ask(moved.to, &host, at: now, &actions) }
        case .away:
            guard moved.to != name, let away = host.away else {
                return acknowledge(host, moved, to: peer, &actions)
            }
            if moved.epoch == host.epoch, moved.to == away.at {
                repeated(&host, moved, says: peer, at: now, &actions)
            } else if obeys(host, moved, says: peer, at: now, &actions), moved.epoch > host.epoch {
                follow(&host, moved, says: peer, at: now, &actions)
            }
            if host.epoch >= moved.epoch { acknowledge(host, moved, to: peer, &actions) }
            // Another router that may have it, from one that knows of no other place than this.
            if moved.areAnchorsTold, moved.pending.isEmpty, moved.to != host.away?.at, peer != away.at,
                host.neighbour != nil, host.unanswered.insert(moved.to).inserted
            {
                sendClaim(host, to: moved.to, at: now, &actions)
            }
        }
    }

    private func acknowledge(
        _ host: RoamingRecord, _ moved: Moved, to peer: String, _ actions: inout [RoamingAction]
    ) {
        let ack = HostEpoch(host: moved.host, epoch: max(host.epoch, moved.epoch))
        actions.append(.send(.movedAck(ack), to: peer))
    }

    /// Only the router that has the host says where it goes, or anybody if there is no way to that one (T5). Where
    /// another one says so, that one is asked.
    private func obeys(
        _ host: RoamingRecord, _ moved: Moved, says peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) -> Bool {
        guard let away = host.away, moved.epoch > host.epoch else { return true }
        if away.at == peer || !connected.contains(away.at) { return true }
        refuse(host.address, .notItsPlace, from: peer, &actions)
        if host.isAway {
            sendState(host, &actions)
            sendOther(host, at: moved.to, epoch: moved.epoch, &actions)
        }
        return false
    }

    /// Two routers may have it: the one that this one thinks has it hears of the other, and asks that one.
    func sendOther(
        _ host: RoamingRecord, at other: String, epoch: UInt32, _ actions: inout [RoamingAction]
    ) {
        guard let place = host.away?.at, place != other, connected.contains(place) else { return }
        let moved = Moved(
            host: RoamingHost(host.address), epoch: max(host.epoch, epoch), to: other, pending: [],
            areAnchorsTold: true)
        actions.append(.send(.moved(moved), to: place))
    }

    private mutating func follow(
        _ host: inout RoamingRecord, _ moved: Moved, says peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        guard var away = host.away else { return }
        cancelTransfer(&host, &actions)
        if away.at != moved.to {
            host.former[away.at] = now + configuration.grace
            host.former[moved.to] = nil
        }
        host.leases = [:]
        host.epoch = moved.epoch
        away.at = moved.to
        away.granter = peer
        away.since = now
        if moved.pending.contains(name) {
            away.isAsked = true
            away.isAcknowledged = false
            away.cleanUp = nil
        }
        away.isReleasing = false
        away.transfer = nil
        away.wasSent = false
        host.away = away
        if away.isAsked, !away.isAcknowledged {
            if moved.pending.contains(name) {
                host.chain = moved.pending.filter { $0 == name || peers.contains($0) }
            }
            host.anchors.formUnion(Set(host.chain).subtracting([name]))
        }
        refresh(&host, &actions)
        actions.append(.report(.followed(host.address, epoch: host.epoch, to: moved.to)))
        startTransfer(&host, isToldByOther: !moved.areAnchorsTold, at: now, &actions)
        askAgain(&host, at: now)
        releaseIfDone(&host, at: now, &actions)
        if !connected.contains(moved.to) { missing(moved.to, &host, at: now) }
    }

    /// The same place and epoch: only what is waited for may be another.
    private mutating func repeated(
        _ host: inout RoamingRecord, _ moved: Moved, says peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        guard var away = host.away else { return }
        if moved.areAnchorsTold {
            if let waiting = away.transfer?.waiting { sendHeldBack(&host, waiting, &actions) }
        } else if peer == away.at, moved.pending.contains(name) {
            host.chain = moved.pending.filter { $0 == name || peers.contains($0) }
            host.anchors.formUnion(Set(host.chain).subtracting([name]))
            away.isAsked = true
            away.isAcknowledged = false
            away.isReleasing = false
            away.cleanUp = nil
            host.away = away
            refresh(&host, &actions)
            startTransfer(&host, at: now, &actions)
            askAgain(&host, at: now)
        }
    }

    /// What this router thinks, to the router that it thinks has the host: that one knows better, or has to be told.
    func sendState(_ host: RoamingRecord, _ actions: inout [RoamingAction]) {
        guard let away = host.away, connected.contains(away.at) else { return }
        let shared = RoamingHost(host.address)
        if away.isReleasing {
            actions.append(.send(.release(HostEpoch(host: shared, epoch: host.epoch)), to: away.at))
            return
        }
        guard isTranslated(host.address) || away.hasFlows else { return }
        let isWaiting = away.isAsked && !away.isAcknowledged
        let others = isWaiting ? host.sharers.subtracting([name, away.at]).sorted() : []
        let chain = isWaiting ? host.chain.filter { $0 != away.at } : []
        let grant = Grant(
            host: shared, epoch: host.epoch, anchors: Array(([name] + others).prefix(Self.mostRouters)),
            pending: chain)
        actions.append(.send(.grant(grant), to: away.at))
    }

    /// When the place is to be asked again whether it knows what this router has for it.
    func askAgain(_ host: inout RoamingRecord, at now: MonotonicInstant) {
        guard host.isAway, let away = host.away else { return }
        let isWaiting = away.isReleasing || away.isAsked && !away.isAcknowledged
        host.away?.askAgain = isWaiting ? now + configuration.retry : nil
    }
}

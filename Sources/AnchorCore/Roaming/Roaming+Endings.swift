import AnchorProtocol
import NetworkTypes

/// Flows end, and hosts do.
extension Roaming {
    // MARK: No flow is left here

    mutating func flowsEnded(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard host.away != nil, isTranslated(host.address) else { return }
        host.away?.hasFlows = false
        releaseIfDone(&host, at: now, &actions)
    }

    /// Tells the router that has the host that nothing of it is here any more. From then on no flow begins here.
    func releaseIfDone(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard host.isAway, var away = host.away, isTranslated(host.address), !away.hasFlows, !away.isAsked,
            !away.isReleasing, away.cleanUp == nil, host.untold.isEmpty
        else { return }
        away.isReleasing = true
        host.away = away
        refresh(&host, &actions)
        sendState(host, &actions)
        askAgain(&host, at: now)
    }

    mutating func released(
        _ host: inout RoamingRecord, _ release: HostEpoch, by peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        switch host.place {
        case .claiming:
            // No answer: a router that waits for one asks again, and then it is clear who has it.
            host.search?.released.insert(peer)
            return
        case .here:
            if host.sharers.contains(peer) {
                host.anchors.remove(peer)
                host.chain.removeAll { $0 == peer }
                host.arrived.remove(peer)
                if host.untold.remove(peer) != nil { told(&host, [peer], at: now, &actions) }
                host.leases[peer] = nil
                host.unlinks[peer] = nil
                host.former[peer] = now + configuration.grace
                refresh(&host, &actions)
                actions.append(.removeAway(host.address, router: peer))
                actions.append(.report(.released(host.address, router: peer)))
            } else {
                refuse(host.address, .outdated, from: peer, &actions)
            }
        case .away:
            if host.away?.at != peer {
                host.anchors.remove(peer)
                host.chain.removeAll { $0 == peer }
                host.untold.remove(peer)
                told(&host, [peer], at: now, &actions)
            }
        case .gone:
            host.untold.remove(peer)
            told(&host, [peer], at: now, &actions)
        }
        actions.append(.send(.releaseAck(HostEpoch(host: release.host, epoch: release.epoch)), to: peer))
        finishTables(&host, at: now, &actions)
    }

    mutating func releaseAck(_ host: inout RoamingRecord, from peer: String, _ actions: inout [RoamingAction]) {
        guard host.isAway, let away = host.away, away.isReleasing, away.at == peer else { return }
        forget(&host, &actions)
        actions.append(.report(.forgotten(host.address)))
    }

    // MARK: It is nowhere

    mutating func silence(_ address: IPAddress, at now: MonotonicInstant, _ actions: inout [RoamingAction]) {
        guard var host = hosts[address], host.isHere else { return }
        end(&host, telling: host.sharers, at: now, &actions)
        store(host)
    }

    private mutating func end(
        _ host: inout RoamingRecord, telling others: Set<String>, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        cancelTransfer(&host, &actions)
        actions.append(.removeAway(host.address, router: nil))
        host.place = .gone
        // A place like any other: a claim that comes later is told from it.
        host.epoch = epoch(after: host.epoch)
        host.away = nil
        host.anchors = []
        host.chain = []
        host.former = [:]
        host.leases = [:]
        host.unlinks = [:]
        host.unanswered = []
        refresh(&host, &actions)
        actions.append(.report(.gone(host.address)))
        host.untold = others
        planTelling(&host, at: now)
        tellNow(host, to: others, &actions)
        if others.isEmpty { host.isForgotten = true }
    }

    mutating func isGone(
        _ host: inout RoamingRecord, _ gone: HostEpoch, says peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        let ack = RoamingMessage.movedAck(HostEpoch(host: gone.host, epoch: max(host.epoch, gone.epoch)))
        guard host.isAway, let away = host.away, gone.epoch >= host.epoch else {
            actions.append(.send(ack, to: peer))
            if host.search != nil { notKnown(&host, by: peer, at: now, &actions) }
            return
        }
        guard away.at == peer else {
            refuse(host.address, .notItsPlace, from: peer, &actions)
            return sendState(host, &actions)
        }
        actions.append(.send(ack, to: peer))
        let isOwnMove = away.isAsked && !away.isAcknowledged && away.granter == nil
        end(&host, telling: isOwnMove ? host.sharers.subtracting([name, peer]) : [], at: now, &actions)
    }
}

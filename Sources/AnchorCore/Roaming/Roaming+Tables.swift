import AnchorProtocol
import NetworkTypes

/// Tables of flows follow their host [0080] [0082].
extension Roaming {
    // MARK: Sending

    /// Sends the table from its beginning to where the host is, if that waits for it: flows that began here at once, the
    /// others as their routers know where it is. Before that they would take nothing from there.
    func startTransfer(
        _ host: inout RoamingRecord, isToldByOther: Bool = false, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        guard host.isAway, let away = host.away, away.isAsked, !away.isAcknowledged else { return }
        cancelTransfer(&host, &actions)
        guard connected.contains(away.at) else { return }
        if actions.last != .cancelFlows(host.address) { actions.append(.cancelFlows(host.address)) }
        let others = host.sharers.subtracting([name, away.at])
        let waiting =
            configuration.tellPatience > .zero
            ? (isToldByOther ? others : host.untold.intersection(connected).intersection(others)) : []
        host.away?.transfer = RoamingTransfer(
            waiting: waiting, deadline: waiting.isEmpty ? nil : now + configuration.tellPatience,
            isToldByOther: isToldByOther)
        send(&host, others.subtracting(waiting).union([name]), isLast: waiting.isEmpty, &actions)
    }

    /// Flows of these are held back no longer.
    func sendHeldBack(_ host: inout RoamingRecord, _ routers: Set<String>, _ actions: inout [RoamingAction]) {
        guard var transfer = host.away?.transfer else { return }
        let ready = transfer.waiting.intersection(routers)
        guard !ready.isEmpty else { return }
        transfer.waiting.subtract(ready)
        if transfer.waiting.isEmpty { transfer.deadline = nil }
        host.away?.transfer = transfer
        send(&host, ready, isLast: transfer.waiting.isEmpty, &actions)
    }

    private func send(
        _ host: inout RoamingRecord, _ routers: Set<String>, isLast: Bool, _ actions: inout [RoamingAction]
    ) {
        guard let away = host.away else { return }
        host.away?.transfer?.outstandingWalks += 1
        if isLast { host.away?.transfer?.isLastSent = true }
        actions.append(
            .sendFlows(host.address, epoch: host.epoch, to: away.at, anchoredAt: routers, isLast: isLast))
    }

    func cancelTransfer(_ host: inout RoamingRecord, _ actions: inout [RoamingAction]) {
        guard host.away?.transfer != nil else { return }
        host.away?.transfer = nil
        actions.append(.cancelFlows(host.address))
    }

    mutating func flowsSent(
        _ host: inout RoamingRecord, _ epoch: UInt32, to peer: String, _ anchors: Set<String>,
        at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard var away = host.away, away.at == peer, epoch == host.epoch, var transfer = away.transfer,
            transfer.outstandingWalks > 0
        else { return }
        transfer.outstandingWalks -= 1
        transfer.sentAnchors.formUnion(anchors)
        if transfer.isSent {
            away.wasSent = true
            away.hasFlows = transfer.sentAnchors.contains(name) && away.hasFlows
        }
        away.transfer = transfer
        host.away = away
        releaseIfDone(&host, at: now, &actions)
    }

    mutating func flowsAck(
        _ host: inout RoamingRecord, _ ack: HostEpoch, from peer: String, at now: MonotonicInstant,
        _ actions: inout [RoamingAction]
    ) {
        guard let away = host.away, away.at == peer, ack.epoch == host.epoch, !away.isAcknowledged,
            away.wasSent || away.transfer?.isLastSent == true
        else {
            return refuse(host.address, .outdated, from: peer, &actions)
        }
        host.away?.isAcknowledged = true
        host.away?.askAgain = nil
        // What was sent before it knew is on its way still.
        host.away?.cleanUp = now + configuration.grace
        actions.append(
            .report(.transferred(host.address, epoch: host.epoch, to: peer, after: now - away.since)))
        log.finish(host.address, at: now)
    }

    /// Nothing is on its way any more that only a table knows which is at the new router.
    mutating func cleanUp(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard host.away != nil else { return }
        host.away?.cleanUp = nil
        host.away?.transfer = nil
        guard isTranslated(host.address) else {
            if host.away?.hasFlows == false, host.isAway { forget(&host, &actions) }
            return
        }
        if host.away?.isAsked == true { actions.append(.removeAway(host.address, router: nil)) }
        host.away?.isAsked = false
        host.chain = []
        host.anchors = []
        if host.isAway { refresh(&host, &actions) }
        releaseIfDone(&host, at: now, &actions)
    }

    // MARK: Receiving

    func flows(
        _ host: inout RoamingRecord, _ flows: Flows, from peer: String, _ actions: inout [RoamingAction]
    ) {
        guard host.isHere, host.chain.contains(peer), flows.epoch == host.epoch,
            flows.number == 0 || flows.number == host.expected[peer]
        else {
            if !host.isAway { host.missed.insert(peer) }
            askMissed(&host, &actions)
            return refuse(host.address, .unexpectedFlows, from: peer, &actions)
        }
        host.expected[peer] = flows.number &+ 1
        actions.append(.insertFlows(flows, from: peer))
    }

    /// A table may come before the router that had the host says that it will.
    func askMissed(_ host: inout RoamingRecord, _ actions: inout [RoamingAction]) {
        guard host.isHere, !host.missed.isEmpty else { return }
        let missed = host.missed.intersection(host.chain).subtracting(host.arrived)
        host.missed = []
        for router in missed { host.expected[router] = nil }
        tellNow(host, to: missed, &actions)
    }

    mutating func flowsReceived(
        _ host: inout RoamingRecord, _ epoch: UInt32, from peer: String, _ anchors: Set<String>,
        at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard host.isHere, epoch == host.epoch, host.chain.contains(peer) else { return }
        host.arrived.insert(peer)
        // A router that has let go meanwhile is in a table that was on its way.
        for router in anchors.intersection(peers).subtracting(host.sharers).sorted() {
            actions.append(.removeAway(host.address, router: router))
        }
        refresh(&host, &actions)
        finishTables(&host, at: now, &actions)
    }

    /// When all tables are here, none is waited for, and those that sent them may forget. All at once: before that, each
    /// may be asked about a flow that only the next one knows.
    mutating func finishTables(
        _ host: inout RoamingRecord, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        guard host.isHere, !host.chain.isEmpty,
            host.chain.allSatisfy({ host.arrived.contains($0) || host.lost.contains($0) })
        else { return }
        let arrived = host.chain.filter(host.arrived.contains)
        host.chain = []
        host.arrived = []
        host.lost = []
        host.expected = [:]
        host.unlinks = [:]
        refresh(&host, &actions)
        for router in arrived {
            actions.append(
                .send(.flowsAck(HostEpoch(host: RoamingHost(host.address), epoch: host.epoch)), to: router))
        }
        actions.append(
            .report(
                .whole(
                    host.address, epoch: host.epoch, anchors: host.anchors,
                    after: now - (host.attached ?? now))))
        log.finish(host.address, at: now)
    }
}

import AnchorProtocol
import NetworkTypes

extension AccessRouter {
    /// Takes a change on: it is stored first, and in force when that is confirmed.
    mutating func accept(_ change: HostChange, order: MessageOrder, _ actions: inout [AccessRouterAction]) {
        let slot = change.slot
        hosts[slot].order = order
        hosts[slot].isLeaving = false
        hosts[slot].pending += 1
        accepted[slot] = change.location
        guard let location = change.location.location(endpoint: { endpoint($0) }) else { return }
        let host = hosts[slot]
        let record = HostRecord(
            address: host.address, node: nodes[Int(host.node)].account.id, order: order, location: location,
            link: configuration.links[Int(host.link)].interface)
        actions.append(.persist(.host(record), nextRecord))
        nextRecord += 1
    }

    /// Takes the removal of a host on.
    mutating func remove(
        _ slot: UInt32, order: MessageOrder, _ actions: inout [AccessRouterAction],
        _ step: () -> PendingOperation.Step
    ) {
        hosts[slot].isLeaving = true
        hosts[slot].pending += 1
        let host = hosts[slot]
        let record = AccessRouterRecord.removed(
            address: host.address, node: nodes[Int(host.node)].account.id, order: order)
        actions.append(.persist(record, nextRecord))
        operations.append(PendingOperation(numbers: nextRecord...nextRecord, step: step()))
        nextRecord += 1
    }

    /// Everything up to that record is stored.
    mutating func complete(
        through number: RecordNumber, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]
    ) {
        while let first = operations.first, first.numbers.upperBound <= number {
            _ = operations.popFirst()
            switch first.step {
            case .attach(let changes, let reply, let interface):
                completeAttach(changes, reply, interface, at: now, &actions)
            case .update(let change, let reply): completeUpdate(change, reply, at: now, &actions)
            case .release(let slot, let reply): completeRelease(slot, reply, at: now, &actions)
            case .expire(let slot, let cause):
                expiring -= 1
                completeRemoval(slot, at: now, &actions) { .expired(node: $0, address: $1, cause) }
            case .delete(let slot): completeRemoval(slot, at: now, &actions) { .deleted(node: $0, address: $1) }
            }
        }
    }

    private mutating func completeRemoval(
        _ slot: UInt32, at now: MonotonicInstant, _ actions: inout [AccessRouterAction],
        _ report: (UInt64, IPAddress) -> AccessRouterReport
    ) {
        let address = hosts[slot].address
        let node = nodes[Int(hosts[slot].node)].account.id
        actions.append(.remove(address))
        actions.append(.report(report(node, address)))
        vacate(slot, at: now)
    }

    /// Puts a stored change in force, in one overwrite. A former care-of address stays accepted for a moment: its
    /// packets are in flight.
    mutating func apply(
        _ change: HostChange, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]
    ) -> Bool {
        let slot = change.slot
        let before = hosts[slot].location
        settle(slot)
        setLocation(slot, change.location)
        hosts[slot].expires = now + change.lifetime
        if change.location != before { hosts[slot].lastSeen = max(hosts[slot].lastSeen, now) }
        if before.isTunnelled, change.location.careOf != before.careOf {
            let grace = Grace(
                slot: slot, generation: hosts[slot].generation, peer: before.careOf,
                until: now + configuration.grace)
            graces.append(grace)
            graceBySlot[slot] = grace
            hosts[slot].hasGrace = true
        }
        schedule(slot)
        guard let binding = binding(of: slot) else { return false }
        if change.location != before { actions.append(.install(binding)) }
        return true
    }

    /// The host is gone, unless its node attached again while the removal was being stored.
    mutating func vacate(_ slot: UInt32, at now: MonotonicInstant) {
        settle(slot)
        setLocation(slot, .nowhere)
        endGrace(slot)
        if hosts[slot].pending == 0 { free(slot, at: now) }
    }

    /// One accepted change less is waiting.
    private mutating func settle(_ slot: UInt32) {
        hosts[slot].pending -= 1
        if hosts[slot].pending == 0 { accepted[slot] = nil }
    }

    private mutating func free(_ slot: UInt32, at now: MonotonicInstant) {
        let host = hosts[slot]
        let node = Int(host.node)
        pools[Int(host.link)].giveBack(
            host.address, of: nodes[node].account.id, ready: now + configuration.quarantine)
        nodes[node].hostCount -= 1
        hosts.remove(slot, head: &nodes[node].firstHost)
    }

    /// Records that could not be stored: what waits for them is refused and leaves no trace (T16).
    mutating func fail(
        _ numbers: ClosedRange<RecordNumber>, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]
    ) {
        for operation in operations.extract(where: { $0.numbers.overlaps(numbers) }) {
            switch operation.step {
            case .attach(let changes, let reply, _):
                for change in changes { undo(change.slot, at: now, &actions) }
                refuse(reply, .storageFailed, .storage, nodeAddress(reply), &actions)
            case .update(let change, let reply):
                undo(change.slot, at: now, &actions)
                refuse(reply, .storageFailed, .storage, nodeAddress(reply), &actions)
            case .release(let slot, let reply):
                undo(slot, at: now, &actions)
                refuse(reply, .storageFailed, .storage, nodeAddress(reply), &actions)
            case .expire(let slot, _):
                expiring -= 1
                undo(slot, at: now, &actions)
            case .delete(let slot): undo(slot, at: now, &actions)
            }
        }
    }

    private mutating func undo(_ slot: UInt32, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]) {
        let host = hosts[slot]
        actions.append(.report(.persistFailed(node: nodes[Int(host.node)].account.id, address: host.address)))
        settle(slot)
        guard hosts[slot].pending == 0 else { return }
        hosts[slot].isLeaving = false
        if hosts[slot].location.isNowhere {
            free(slot, at: now)
        } else {
            // What expired is tried again in a while.
            hosts[slot].expires = max(hosts[slot].expires, now + .seconds(5))
            hosts[slot].lastSeen = max(hosts[slot].lastSeen, now)
            schedule(slot)
        }
    }

    private func nodeAddress(_ reply: Reply) -> IPAddress {
        switch reply.route {
        case .unicast(let address, _, _), .neighbour(let address, _, _): address
        case .allNodes(_, let family), .allRouters(_, let family): family == .v4 ? .anyV4 : .anyV6
        }
    }
}

import AnchorProtocol
import NetworkTypes

extension AccessRouter {
    /// Hosts of which the end may wait for storage at once, and that are looked at in one go: however many end at one
    /// moment, what comes in meanwhile is answered.
    static let mostExpiring = 1024

    /// When the host ends by itself: its lifetime ran out, or, elsewhere, no packet came for too long [0050].
    private func due(_ host: Host) -> MonotonicInstant {
        guard host.location.isTunnelled, !host.location.isAttached else { return host.expires }
        return min(host.expires, host.lastSeen + configuration.inactivity)
    }

    mutating func schedule(_ slot: UInt32) {
        let due = due(hosts[slot])
        guard due < hosts[slot].scheduled else { return }
        hosts[slot].scheduled = due
        expiries.insert(.init(due: due, index: slot, generation: hosts[slot].generation))
    }

    mutating func note(_ activity: [HostActivity]) {
        hosts.update(activity, { $0.address }) { host, sign in
            host.lastSeen = max(host.lastSeen, sign.lastSeen)
        }
    }

    mutating func runTimers(at now: MonotonicInstant, _ actions: inout [AccessRouterAction]) {
        while let grace = graces.first, grace.until <= now {
            _ = graces.popFirst()
            guard graceBySlot[grace.slot] == grace else { continue }
            endGrace(grace.slot)
            if let binding = binding(of: grace.slot) { actions.append(.install(binding)) }
        }
        for _ in 0..<Self.mostExpiring where expiring < Self.mostExpiring {
            guard let entry = expiries.popDue(at: now) else { break }
            expire(entry, at: now, &actions)
        }
        for link in nextAdvertisement.indices {
            guard let due = nextAdvertisement[link], due <= now else { continue }
            advertise(on: link, at: now, &actions)
        }
    }

    mutating func endGrace(_ slot: UInt32) {
        graceBySlot[slot] = nil
        hosts[slot].hasGrace = false
    }

    private mutating func expire(
        _ entry: DeadlineHeap.Entry, at now: MonotonicInstant, _ actions: inout [AccessRouterAction]
    ) {
        let slot = entry.index
        guard hosts.isOccupied(slot, generation: entry.generation), hosts[slot].scheduled == entry.due else { return }
        hosts[slot].scheduled = MonotonicInstant(nanoseconds: .max)
        let host = hosts[slot]
        guard due(host) <= now, host.pending == 0 else {
            // A change that waits for storage postpones the end; if it fails, the next look finds it.
            if host.pending == 0 { schedule(slot) } else { postpone(slot, at: now) }
            return
        }
        let cause: ExpiryCause = host.expires <= now ? .lifetime : .inactivity
        expiring += 1
        remove(slot, order: host.order, &actions) { .expire(slot: slot, cause) }
    }

    private mutating func postpone(_ slot: UInt32, at now: MonotonicInstant) {
        let later = now + .seconds(1)
        hosts[slot].scheduled = later
        expiries.insert(.init(due: later, index: slot, generation: hosts[slot].generation))
    }

    mutating func delete(_ address: IPAddress, _ actions: inout [AccessRouterAction]) {
        guard let slot = hosts.slot(of: address), !hosts[slot].isLeaving else { return }
        remove(slot, order: hosts[slot].order, &actions) { .delete(slot: slot) }
    }
}

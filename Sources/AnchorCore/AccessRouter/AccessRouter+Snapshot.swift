import AnchorProtocol
import NetworkTypes

extension AccessRouter {
    /// Everything that must survive, as few records as possible: a compacted journal.
    public var snapshot: [AccessRouterRecord] {
        var records: [AccessRouterRecord] = []
        records.reserveCapacity(nodes.count + hosts.count)
        var place: Int? = 0
        while let from = place { place = snapshot(from: from, places: .max) { records.append($0) } }
        // Changes that storage has not confirmed count once this is stored in place of the journal with their records.
        for slot in accepted.keys.sorted() { latestRecord(of: slot).map { records.append($0) } }
        for slot in hosts.occupied where hosts[slot].isLeaving {
            let host = hosts[slot]
            records.append(
                .removed(address: host.address, node: nodes[Int(host.node)].account.id, order: host.order))
        }
        return records
    }

    /// A part of what must survive, so that nobody has to wait while all of it is written. Messages may be handled
    /// between one part and the next: the parts, and behind them all records of changes that storage had not confirmed
    /// when the first was taken or that came later, together say what holds.
    /// - Parameters:
    ///   - place: where to begin, 0 at first.
    ///   - count: places to go through; not each has a record.
    ///   - body: is given the records.
    /// - Returns: where to go on, `nil` at the end.
    public func snapshot(from place: Int, places count: Int, _ body: (AccessRouterRecord) -> Void) -> Int? {
        let end = nodes.count + hosts.slotCount
        let next = count < end - place ? place + count : end
        for node in min(place, nodes.count)..<min(next, nodes.count) {
            if let newest = nodes[node].window.newest { body(.node(nodes[node].account.id, newest)) }
        }
        for slot in max(0, place - nodes.count)..<max(0, next - nodes.count) where hosts[UInt32(slot)].isOccupied {
            // What is in force. A change that waits for storage has a record of its own, and may yet fail.
            if let record = record(of: UInt32(slot), at: hosts[UInt32(slot)].location) { body(record) }
        }
        return next < end ? next : nil
    }

    private func latestRecord(of slot: UInt32) -> AccessRouterRecord? {
        record(of: slot, at: latestLocation(of: slot))
    }

    private func record(of slot: UInt32, at stored: StoredLocation) -> AccessRouterRecord? {
        guard let location = stored.location(endpoint: { endpoint($0) }) else { return nil }
        let host = hosts[slot]
        return .host(
            HostRecord(
                address: host.address, node: nodes[Int(host.node)].account.id, order: host.order, location: location,
                link: configuration.links[Int(host.link)].interface))
    }
}

import NetworkTypes

/// Deadlines of hosts, the earliest first. An entry is a hint: its owner looks, when it comes up, what is due. A host
/// may have several; one that isn't the host's earliest any more is skipped.
struct RoamingTimers: Sendable {
    private struct Entry: Sendable {
        var due: MonotonicInstant
        var address: IPAddress
    }

    private var entries: [Entry] = []
    private var planned: [IPAddress: MonotonicInstant] = [:]

    /// May be early, never late.
    var earliest: MonotonicInstant? { entries.first?.due }

    mutating func plan(_ address: IPAddress, at due: MonotonicInstant?) {
        guard let due else {
            planned[address] = nil
            return
        }
        if let earlier = planned[address], earlier <= due { return }
        planned[address] = due
        entries.append(Entry(due: due, address: address))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].due < entries[parent].due else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// A host with something due, which has no entry any more.
    mutating func popDue(at now: MonotonicInstant) -> IPAddress? {
        while let first = entries.first, first.due <= now {
            removeFirst()
            guard planned[first.address] == first.due else { continue }
            planned[first.address] = nil
            return first.address
        }
        return nil
    }

    private mutating func removeFirst() {
        let last = entries.removeLast()
        guard !entries.isEmpty else { return }
        entries[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].due < entries[smallest].due { smallest = child }
            }
            guard smallest != parent else { return }
            entries.swapAt(parent, smallest)
            parent = smallest
        }
    }
}

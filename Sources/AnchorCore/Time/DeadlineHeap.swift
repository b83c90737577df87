/// Deadlines of numbered things, the earliest first. An entry is a hint: its owner looks, when it comes up, whether the
/// thing is really due, and puts it back where it was postponed. So postponing costs nothing.
struct DeadlineHeap: Sendable {
    struct Entry: Sendable {
        var due: MonotonicInstant
        var index: UInt32
        /// Tells an entry of an earlier user of the same number.
        var generation: UInt32
    }

    private var entries: [Entry] = []

    var earliest: MonotonicInstant? { entries.first?.due }
    var count: Int { entries.count }

    mutating func reserveCapacity(_ count: Int) { entries.reserveCapacity(count) }

    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].due < entries[parent].due else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes out the earliest entry if it is due.
    mutating func popDue(at now: MonotonicInstant) -> Entry? {
        guard let first = entries.first, first.due <= now else { return nil }
        let last = entries.removeLast()
        guard !entries.isEmpty else { return first }
        entries[0] = last
        var parent = 0
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count {
                if entries[child].due < entries[smallest].due { smallest = child }
            }
            guard smallest != parent else { return first }
            entries.swapAt(parent, smallest)
            parent = smallest
        }
    }
}

import AnchorCore

/// Things to come, in the order of their time; of those of one moment the one that was planned first comes first.
struct EventQueue<Event> {
    private struct Entry {
        let time: Int64
        let serial: UInt64
        let event: Event

        func isBefore(_ other: Entry) -> Bool {
            time != other.time ? time < other.time : serial < other.serial
        }
    }

    private var entries: [Entry] = []
    private var serial: UInt64 = 0

    var isEmpty: Bool { entries.isEmpty }
    var nextTime: MonotonicInstant? { entries.first.map { MonotonicInstant(nanoseconds: $0.time) } }

    mutating func plan(_ event: Event, at time: MonotonicInstant) {
        serial += 1
        entries.append(Entry(time: time.nanoseconds, serial: serial, event: event))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].isBefore(entries[parent]) else { break }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeAll(where condition: (Event) -> Bool) {
        let kept = entries.filter { !condition($0.event) }
        entries = []
        for entry in kept { plan(entry.event, at: MonotonicInstant(nanoseconds: entry.time)) }
    }

    mutating func next() -> (time: MonotonicInstant, event: Event)? {
        guard let first = entries.first else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            var parent = 0
            while true {
                var smallest = parent
                let left = 2 * parent + 1
                if left < entries.count, entries[left].isBefore(entries[smallest]) { smallest = left }
                if left + 1 < entries.count, entries[left + 1].isBefore(entries[smallest]) { smallest = left + 1 }
                guard smallest != parent else { break }
                entries.swapAt(parent, smallest)
                parent = smallest
            }
        }
        return (MonotonicInstant(nanoseconds: first.time), first.event)
    }
}

import CAtomics
import FlowAnchorABI

/// Chains that a killed process has left: they have slots that it had taken out or was about to fill, and a slot may be
/// in none. Programs put others in front meanwhile.
extension NATTable {
    /// - Returns: how many slots were taken out of chains or put into one.
    func repairChains() -> Int {
        guard memory.translations.entries > 0 else { return 0 }
        return writer.withLock { _ in
            var reached = Marks(count: memory.translations.capacity)
            var mended = 0
            for owner in 0..<memory.subscribers.capacity where isOwner(owner) { mended += mend(owner, &reached) }
            let suspects = (0..<memory.translations.capacity).filter { !reached.contains($0) && isStray($0) }
            guard !suspects.isEmpty else { return mended }
            // What programs were making is in its chain by then.
            isQuiet()
            let words = suspects.map { memory.translations.word($0) }
            var again = Marks(count: memory.translations.capacity)
            for owner in Set(suspects.map { Int(memory.translations.slots[$0].subscriber) }) where isOwner(owner) {
                mended += mend(owner, &again)
            }
            for (index, word) in zip(suspects, words) where !again.contains(index) && isStray(index) {
                guard memory.translations.word(index) == word else { continue }
                chain(index, to: Int(memory.translations.slots[index].subscriber))
                mended += 1
            }
            return mended
        }
    }

    /// Whether there is a subscriber of that index, one on its way out too.
    private func isOwner(_ index: Int) -> Bool {
        index < memory.subscribers.capacity && memory.subscribers.word(index).state != .free
    }

    /// Whether a flow is in the slot that has to be in a chain.
    private func isStray(_ index: Int) -> Bool {
        let kind = memory.translations.slots[index].key.kind
        return memory.translations.word(index).isInUse && (kind == NATKind.up || kind == NATKind.away)
            && isOwner(Int(memory.translations.slots[index].subscriber))
    }

    /// Takes out of a chain what is not in use; what is another's, or in a chain already, ends it.
    private func mend(_ owner: Int, _ reached: inout Marks) -> Int {
        let head = field(NATOffset.chain, of: owner)
        var from = head
        var link = ca_load_acquire_u32(head)
        var mended = 0
        while link != 0 {
            var next: UInt32 = 0
            if let index = memory.slot(link), !reached.contains(index) {
                guard let following = settledNext(index) else { return mended }
                if memory.translations.word(index).isInUse {
                    if memory.isChained(memory.translations.slots + index, by: owner) {
                        reached.insert(index)
                        from = memory.place(index) + NATOffset.next
                        link = following
                        continue
                    }
                } else {
                    next = following
                }
            }
            guard ca_compare_exchange_u32(from, link, next) else {
                // Programs have put others in front.
                (from, link) = (head, ca_load_acquire_u32(head))
                continue
            }
            mended += 1
            link = next
        }
        return mended
    }
}

/// A bit for each slot of a table.
private struct Marks {
    private var bits: [UInt64]

    init(count: Int) { bits = [UInt64](repeating: 0, count: (count + 63) / 64) }

    func contains(_ index: Int) -> Bool { bits[index >> 6] >> UInt64(index & 63) & 1 != 0 }
    mutating func insert(_ index: Int) { bits[index >> 6] |= 1 << UInt64(index & 63) }
}

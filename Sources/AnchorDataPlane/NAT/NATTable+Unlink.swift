import CAtomics
import FlowAnchorABI

/// Which subscribers' chains have slots that are to be taken out.
struct Torn {
    private var bits: [UInt64] = []
    private(set) var owners: [UInt32] = []

    var isEmpty: Bool { owners.isEmpty }

    /// - Parameter owner: index of a subscriber.
    @inline(__always)
    mutating func insert(_ owner: UInt32) {
        let word = Int(owner >> 6)
        if word >= bits.count { bits += repeatElement(0, count: word + 1 - bits.count) }
        guard bits[word] >> UInt64(owner & 63) & 1 == 0 else { return }
        bits[word] |= 1 << UInt64(owner & 63)
        owners.append(owner)
    }

    @inline(__always)
    func contains(_ owner: UInt32) -> Bool {
        let word = Int(owner >> 6)
        return word < bits.count && bits[word] >> UInt64(owner & 63) & 1 != 0
    }
}

/// Only the daemon takes slots out of chains, one thread at a time; programs put others in front meanwhile. A slot that
/// was taken out still leads to what followed it: whoever walks there goes on.
extension NATTable {
    /// Goes through a subscriber's chain and takes out the slots that are not in use. Under the writer's lock.
    /// - Parameter isOver: called with each slot that is in use; whether it is to be taken out too, and retired for it.
    /// - Returns: whether the end was reached: otherwise a program holds it up, and what is behind is as it was.
    func sweep(_ owner: Int, _ isOver: (Int, SlotWord) -> Bool = { _, _ in false }) -> Bool {
        let head = field(NATOffset.chain, of: owner)
        var from = head
        var link = ca_load_acquire_u32(head)
        var steps = 0
        while let index = memory.slot(link), steps <= 2 * memory.translations.capacity {
            steps += 1
            guard let next = settledNext(index) else { return false }
            if let following = memory.slot(next) { ca_prefetch(memory.place(following)) }
            let word = memory.translations.word(index)
            if word.isInUse, !isOver(index, word) {
                from = memory.place(index) + NATOffset.next
                link = next
            } else if from != head {
                ca_store_release_u32(from, next)
                link = next
            } else if ca_compare_exchange_u32(head, link, next) {
                link = next
            } else {
                // Programs have put others in front of it: from one of those it is found again, as nobody's.
                link = ca_load_acquire_u32(head)
            }
        }
        return true
    }
}

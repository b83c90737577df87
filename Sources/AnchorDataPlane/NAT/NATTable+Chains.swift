import CAtomics
import FlowAnchorABI
import NetworkTypes

/// A subscriber's UP and AWAY slots, one after the other (`fa_nat.h`).
extension NATTable {
    /// Calls `body` with the flows of a host, those that began here and those that began elsewhere, the newest first,
    /// until it returns `false`. Each as it was at one moment, while programs make others and expiry takes some out:
    /// what is there from beginning to end comes once.
    ///
    /// Nothing waits for `body`; only the slots of what ends meanwhile are not free before it is done.
    public func flows(of inside: IPAddress, _ body: (RoamingFlow) -> Bool) {
        guard let local = inside.v4Bits?.bigEndian else { return }
        walkers.add(1, ordering: .sequentiallyConsistent)
        defer { walkers.subtract(1, ordering: .sequentiallyConsistent) }
        let key = fa_subscriber_key(inside)
        let read = memory.subscribers.read(memory.hash(key), key) { _, index, _ in
            (owner: index, chain: ca_load_acquire_u32(field(NATOffset.chain, of: index)))
        }
        guard let (owner, chain) = read else { return }
        var link = chain
        var steps = 0
        while let index = memory.slot(link), steps < memory.translations.capacity {
            // More than these are in no chain; one that never ends is another's fault, and not waited for.
            steps += 1
            guard let next = settledNext(index) else { return }
            if let following = memory.slot(next) { ca_prefetch(memory.place(following)) }
            let slot = memory.translations.slots + index
            let word = memory.translations.word(index)
            if word.isInUse, slot.pointee.key.local_be == local, memory.isChained(slot, by: owner) {
                let flow = RoamingFlow(slot, memory)
                if memory.translations.word(index) == word, !body(flow) { return }
            }
            link = next
        }
    }

    /// Flows of a host, by where they began. Takes as long as to look at each.
    public func flowCount(of inside: IPAddress) -> (here: Int, away: Int) {
        var count = (here: 0, away: 0)
        flows(of: inside) { flow in
            if flow.anchor == nil { count.here += 1 } else { count.away += 1 }
            return true
        }
        return count
    }

    /// What follows a slot in its chain; waits for a program that has put the slot there and is about to say so.
    /// - Returns: `nil` if it never does.
    @inline(__always)
    func settledNext(_ index: Int) -> UInt32? {
        let next = memory.next(index)
        return next == FA_NAT_CHAINING ? awaitNext(index) : next
    }

    @inline(never)
    private func awaitNext(_ index: Int) -> UInt32? {
        for _ in 0..<Self.patience {
            let next = memory.next(index)
            if next != FA_NAT_CHAINING { return next }
        }
        // Whatever has interrupted it, it ends.
        isQuiet()
        let next = memory.next(index)
        return next == FA_NAT_CHAINING ? nil : next
    }

    /// Looks at a slot before programs are waited for: two instructions are between what a program writes.
    private static var patience: Int { 1000 }
}

extension NATMemory {
    /// The slot that a link of a chain leads to; `nil` at its end.
    @inline(__always)
    func slot(_ link: UInt32) -> Int? {
        link != 0 && link <= UInt32(clamping: translations.capacity) ? Int(link) - 1 : nil
    }

    @inline(__always)
    func next(_ index: Int) -> UInt32 { ca_load_acquire_u32(place(index) + NATOffset.next) }

    /// Whether the slot, in use, is one of those in this subscriber's chain.
    @inline(__always)
    func isChained(_ slot: UnsafePointer<fa_translation>, by owner: Int) -> Bool {
        let kind = slot.pointee.key.kind
        return (kind == NATKind.up || kind == NATKind.away) && slot.pointee.subscriber == UInt32(owner)
    }
}

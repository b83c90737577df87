import CAtomics
import FlowAnchorABI
import NetworkTypes

/// Slots that are to be freed.
struct Pending {
    /// Mappings and filters.
    var gone: [UInt32] = []
    /// Of flows, some in chains yet: in those of `torn`.
    var retired: [UInt32] = []
    /// Of flows, in no chain any more.
    var unlinked: [UInt32] = []
    var torn = Torn()

    var isEmpty: Bool { gone.isEmpty && retired.isEmpty && unlinked.isEmpty }
}

extension NATTable.Writer {
    mutating func takePending() -> Pending {
        defer {
            gone = []
            retired = []
            unlinked = []
            torn = Torn()
        }
        return Pending(gone: gone, retired: retired, unlinked: unlinked, torn: torn)
    }
}

extension NATTable {
    /// Takes slots of flows out of their chains and frees them. Programs that had found them, or were about to put them
    /// into a chain, have ended.
    /// - Returns: how many were freed; the others are when this is done the next time.
    func freeRetired(_ pending: Pending, _ result: inout NATPass) -> Int {
        let held = unlink(pending.torn, &result)
        // Whoever walks along a chain from here on meets none of them. Those who do already go on from what they stand
        // on, which must stay what it is.
        let isWalked = walkers.load(ordering: .sequentiallyConsistent) != 0
        var kept = Pending(torn: held)
        var freed = 0
        for (place, index) in pending.retired.enumerated() {
            if place + Self.freedAhead < pending.retired.count {
                ca_prefetch(memory.place(Int(pending.retired[place + Self.freedAhead])))
            }
            let slot = memory.translations.slots + Int(index)
            let isChained = slot.pointee.key.kind != NATKind.down
            if isChained, !held.isEmpty, held.contains(slot.pointee.subscriber) {
                kept.retired.append(index)
            } else if isChained, isWalked {
                kept.unlinked.append(index)
            } else {
                freed += freeRetired(Int(index))
            }
        }
        for index in pending.unlinked {
            if isWalked { kept.unlinked.append(index) } else { freed += freeRetired(Int(index)) }
        }
        if !kept.isEmpty { writer.withLock { $0.keep(kept) } }
        return freed
    }

    private static var freedAhead: Int { 16 }

    private func freeRetired(_ index: Int) -> Int {
        let word = memory.translations.word(index)
        guard word.state == .claimed, word.tag == 0 else { return 0 }
        freeSlot(index, word)
        return 1
    }

    /// - Returns: subscribers whose chains a program holds up: some of these slots may be in them yet.
    private func unlink(_ torn: Torn, _ result: inout NATPass) -> Torn {
        var held = Torn()
        var owners = torn.owners[...]
        while !owners.isEmpty {
            let part = owners.prefix(Self.sweptAtOnce)
            for owner in owners.prefix(2 * Self.sweptAtOnce) { ca_prefetch(memory.subscribers.slots + Int(owner)) }
            for owner in writer.withLock({ _ in sweep(part) }) { held.insert(owner) }
            for owner in part {
                let address = memory.subscribers.slots[Int(owner)].key.address_be
                result.losers.append(IPAddress(v4: UInt32(bigEndian: address)))
            }
            owners = owners.dropFirst(part.count)
        }
        return held
    }

    /// For so many chains the lock is held, a millisecond where each is of a thousand: as many as memory is asked for at
    /// once.
    private static var sweptAtOnce: Int { 16 }
}

extension NATTable.Writer {
    fileprivate mutating func keep(_ kept: Pending) {
        retired += kept.retired
        unlinked += kept.unlinked
        for owner in kept.torn.owners { torn.insert(owner) }
    }
}

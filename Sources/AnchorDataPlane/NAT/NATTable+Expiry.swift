import CAtomics
import FlowAnchorABI

extension NATTable {
    /// Takes out the flows that are over their time, and what nothing uses any more, in a part of the table, while
    /// programs run. Parts of a pass follow each other from place 0 to the end; one pass at a time.
    ///
    /// Waits for programs that run, some milliseconds without using the processor, where it frees mappings or a
    /// subscriber is on its way out.
    /// - Parameters:
    ///   - ticks: how long flows stay.
    ///   - now: the tick at this moment.
    ///   - place: where to begin, 0 at first.
    ///   - count: places to go through.
    func expire(_ ticks: NATTicks, now: UInt32, from place: Int, places count: Int) -> NATPass {
        let capacity = memory.translations.capacity
        if place == 0 { beginPass() }
        let start = min(max(0, place), capacity)
        let end = count < capacity - start ? start + count : capacity
        var (result, pending, swept) = writer.withLock { writer in
            let torn = writer.torn
            writer.torn = Torn()
            var part = ExpiryPart(memory, ticks, now: now, leaving: writer.sweeping, torn: torn)
            part.run(start..<end)
            writer.gone += part.gone
            writer.retired += part.retired
            writer.torn = part.torn
            let isDue = end == capacity || writer.gone.count + writer.retired.count >= Self.pendingLimit
            return (part.result, isDue ? writer.takePending() : Pending(), writer.sweeping)
        }
        free(pending, &result)
        result.next = end < capacity ? end : nil
        if result.next == nil { endPass(swept, &result) }
        return result
    }

    /// So many slots wait to be freed before programs are waited for: one wait is for all of them, and one walk along
    /// a chain for all that is taken out of it. Three or four a flow.
    private static let pendingLimit = 1 << 22

    /// From here on those that are on their way out are looked for. Their mappings take no more flows, whoever's.
    private func beginPass() {
        let leaving = writer.withLock { $0.leaving }
        guard !leaving.isEmpty else { return }
        // Whoever had found the subscriber has made its flow by then.
        isQuiet()
        writer.withLock { writer in
            writer.sweeping = leaving
            for index in leaving.indices { closeMappings(of: Int(index)) }
        }
    }

    private func closeMappings(of subscriber: Int) {
        let blocks = NATSubscriber(memory.subscribers.slots + subscriber, index: subscriber).blocks
        for block in blocks where block.outside < memory.outsideCapacity {
            for row in 0..<Int(FA_NAT_PROTOCOLS) {
                for first in stride(from: Int(block.ports.lowerBound), through: Int(block.ports.upperBound), by: 64) {
                    var taken = ca_load_relaxed_u64(memory.bits(block.outside, row: row, port: first))
                    while taken != 0 {
                        let port = first + taken.trailingZeroBitCount
                        closeMapping(memory.entry(block.outside, row: row, port: port), of: subscriber)
                        taken &= taken - 1
                    }
                }
            }
        }
    }

    private func closeMapping(_ entry: UnsafePointer<UInt64>, of subscriber: Int) {
        let mapping = ca_load_relaxed_u64(entry)
        guard mapping != 0, mapping <= UInt64(memory.translations.capacity) else { return }
        let slot = memory.translations.slots + Int(mapping - 1)
        guard slot.pointee.key.kind == NATKind.mapping, slot.pointee.subscriber == UInt32(subscriber) else { return }
        ca_fetch_or_u32(UnsafeMutableRawPointer(slot) + NATOffset.use, FA_NAT_GONE)
    }

    /// Those of which nothing is left are free to be others'.
    private func endPass(_ swept: Leaving, _ result: inout NATPass) {
        writer.withLock { writer in
            for index in swept.indices {
                let slot = memory.subscribers.slots + Int(index)
                let subscriber = NATSubscriber(slot, index: Int(index))
                guard subscriber.blocks.allSatisfy({ memory.isUnused($0.index) }),
                    ca_load_acquire_u32(field(NATOffset.chain, of: Int(index))) == 0
                else { continue }
                let word = memory.subscribers.word(Int(index))
                ca_store_release_u64(slot, word.next(.free, tag: 0).raw)
                writer.leaving.remove(index)
                result.released.append(subscriber)
            }
            writer.sweeping = Leaving(capacity: 0)
            let free = writer.strays.filter { memory.isUnused($0.index) }
            writer.strays.removeAll { free.contains($0) }
            result.freed += free
        }
    }

    // MARK: What nothing uses

    /// Frees slots that no program uses any more, once those that run now have ended.
    func free(_ pending: Pending, _ result: inout NATPass) {
        guard !pending.isEmpty else { return }
        isQuiet()
        let ahead = 16
        var taken = UInt64(freeRetired(pending, &result))
        let gone = pending.gone
        for place in gone.indices {
            if place + ahead < gone.count { ca_prefetch(memory.place(Int(gone[place + ahead]))) }
            if place + ahead / 2 < gone.count { prefetchPort(Int(gone[place + ahead / 2])) }
            let index = Int(gone[place])
            let word = memory.translations.word(index)
            let slot = memory.translations.slots + index
            guard word.isInUse, ca_load_relaxed_u32(memory.place(index) + NATOffset.use) == FA_NAT_GONE else {
                continue
            }
            let kind = slot.pointee.key.kind
            if kind == NATKind.mapping {
                freeMapping(index, word)
                result.mappingsRemoved += 1
            } else if kind == NATKind.filter {
                freeSlot(index, word)
            } else {
                continue
            }
            taken += 1
        }
        _ = ca_fetch_add_u64(memory.translations.address(of: \.live), 0 &- taken)
    }

    @inline(__always)
    func freeSlot(_ index: Int, _ word: SlotWord) {
        ca_store_release_u64(memory.translations.slots + index, word.next(.free, tag: 0).raw)
    }

    private func prefetchPort(_ index: Int) {
        let slot = memory.translations.slots + index
        guard slot.pointee.key.kind == NATKind.mapping, let row = NATRow.of(slot.pointee.key.`protocol`),
            let number = memory.outsideNumber(slot.pointee.address_be)
        else { return }
        let port = Int(UInt16(bigEndian: slot.pointee.port_be))
        ca_prefetch(memory.entry(number, row: row, port: port))
        ca_prefetch(memory.bits(number, row: row, port: port))
    }

    /// The port is free last: who gets it finds nothing of the mapping.
    private func freeMapping(_ index: Int, _ word: SlotWord) {
        let slot = memory.translations.slots[index]
        let port = Int(UInt16(bigEndian: slot.port_be))
        let number = memory.outsideNumber(slot.address_be)
        let row = NATRow.of(slot.key.`protocol`)
        if let number, let row {
            _ = ca_compare_exchange_u64(memory.entry(number, row: row, port: port), UInt64(index) + 1, 0)
        }
        freeSlot(index, word)
        if let number, let row {
            _ = ca_fetch_and_u64(memory.bits(number, row: row, port: port), ~(1 << UInt64(port % 64)))
        }
    }
}

import CAtomics
import FlowAnchorABI

extension NATTable {
    /// Fills these tables, which are new, with what is in others of other sizes: connections go on when an operator
    /// raises a size. What finds no room in them is left out, with all that belongs to it.
    ///
    /// Programs may run on the former tables; what they make after this is not in these.
    /// - Returns: flows that were left out.
    func move(from former: NATMemory) -> Int {
        let flows = former.flowCount
        var subscribers = [UInt32](repeating: .max, count: former.subscribers.capacity)
        var slots = [UInt32](repeating: .max, count: former.translations.capacity)
        for index in 0..<former.subscribers.capacity { subscribers[index] = moveSubscriber(index, former) ?? .max }
        for index in 0..<former.translations.capacity where former.translations.word(index).isInUse {
            slots[index] = moveTranslation(former.translations.slots[index]) ?? .max
        }
        let places = 0..<memory.translations.capacity
        for index in places where memory.translations.word(index).isInUse { rename(index, slots, subscribers) }
        for index in places where memory.isInUse(index, as: NATKind.mapping) { adoptMapping(index) }
        for index in places where memory.isInUse(index, as: NATKind.up) { adoptFlow(index) }
        for index in places where memory.isInUse(index, as: NATKind.down) { adoptReverse(index) }
        for index in places where memory.isInUse(index, as: NATKind.away) { adoptAway(index) }
        return max(0, flows - memory.flowCount)
    }

    /// Those on their way out are left behind, and their flows with them; so are those whose ports have no room.
    private func moveSubscriber(_ index: Int, _ former: NATMemory) -> UInt32? {
        guard former.subscribers.word(index).isInUse else { return nil }
        let old = former.subscribers.slots + index
        let inRoom = NATSubscriber(old, index: index).blocks.allSatisfy { $0.outside < memory.outsideCapacity }
        guard inRoom,
            case .claimed(let claim) = memory.subscribers.claim(
                memory.hash(old.pointee.key), old.pointee.key, balances: true)
        else { return nil }
        let header = (memory.subscribers.slots + claim.index).pointee.header
        memory.subscribers.slots[claim.index] = old.pointee
        memory.subscribers.slots[claim.index].header = header
        memory.subscribers.slots[claim.index].flows = 0
        memory.subscribers.slots[claim.index].chain = 0
        memory.subscribers.publish(claim)
        return UInt32(claim.index)
    }

    private func moveTranslation(_ old: fa_translation) -> UInt32? {
        let key = TranslationKey(old.key)
        guard case .claimed(let claim) = memory.claim(key) else { return nil }
        let header = memory.translations.slots[claim.index].header
        memory.translations.slots[claim.index] = old
        memory.translations.slots[claim.index].header = header
        memory.translations.publish(claim)
        return UInt32(claim.index)
    }

    /// Puts what a slot names where it is now; what has no place has the highest index.
    private func rename(_ index: Int, _ slots: [UInt32], _ subscribers: [UInt32]) {
        func moved(_ old: UInt32, _ places: [UInt32]) -> UInt32 { Int(old) < places.count ? places[Int(old)] : .max }
        let slot = memory.translations.slots + index
        switch slot.pointee.key.kind {
        case NATKind.up:
            slot.pointee.twin = moved(slot.pointee.twin, slots)
            slot.pointee.mapping = moved(slot.pointee.mapping, slots)
            slot.pointee.subscriber = moved(slot.pointee.subscriber, subscribers)
        case NATKind.down:
            slot.pointee.twin = moved(slot.pointee.twin, slots)
            slot.pointee.mapping = moved(slot.pointee.mapping, slots)
            if slot.pointee.filter != 0 {
                let filter = moved(slot.pointee.filter - 1, slots)
                slot.pointee.filter = filter == .max ? 0 : filter + 1
            }
        case NATKind.away:
            slot.pointee.subscriber = moved(slot.pointee.subscriber, subscribers)
        case NATKind.mapping:
            slot.pointee.subscriber = moved(slot.pointee.subscriber, subscribers)
            slot.pointee.users = 0
        default:
            slot.pointee.mapping = moved(slot.pointee.mapping, slots)
            slot.pointee.subscriber = moved(slot.pointee.subscriber, subscribers)
            slot.pointee.users = 0
        }
    }
    // MARK: What belongs together

    /// Takes the mapping's port again, or the mapping out.
    private func adoptMapping(_ index: Int) {
        let slot = memory.translations.slots[index]
        let port = Int(UInt16(bigEndian: slot.port_be))
        guard slot.subscriber != .max, let row = NATRow.of(slot.key.`protocol`),
            let number = memory.outsideNumber(slot.address_be)
        else { return remove(index) }
        ca_fetch_or_u64(memory.bits(number, row: row, port: port), 1 << UInt64(port % 64))
        ca_store_relaxed_u64(memory.entry(number, row: row, port: port), UInt64(index) + 1)
    }

    /// Counts the flow for all that it uses, or takes it out if any of that is missing.
    private func adoptFlow(_ index: Int) {
        let up = memory.translations.slots[index]
        let isWhole =
            up.subscriber != .max && memory.isInUse(Int(up.twin), as: NATKind.down)
            && memory.isInUse(Int(up.mapping), as: NATKind.mapping)
            && Int(memory.translations.slots[Int(up.twin)].twin) == index
        guard isWhole else { return remove(index) }
        memory.translations.slots[Int(up.mapping)].users += 1
        memory.subscribers.slots[Int(up.subscriber)].flows += 1
        let filter = memory.translations.slots[Int(up.twin)].filter
        if filter != 0 { memory.translations.slots[Int(filter - 1)].users += 1 }
        chain(index, to: Int(up.subscriber))
    }

    private func adoptAway(_ index: Int) {
        let owner = memory.translations.slots[index].subscriber
        if owner == .max { remove(index) } else { chain(index, to: Int(owner)) }
    }

    private func adoptReverse(_ index: Int) {
        let twin = Int(memory.translations.slots[index].twin)
        let isWhole =
            memory.isInUse(twin, as: NATKind.up) && Int(memory.translations.slots[twin].twin) == index
        if !isWhole { remove(index) }
    }

    private func remove(_ index: Int) {
        _ = memory.translations.remove(.init(index: index, word: memory.translations.word(index)))
    }
}

extension NATMemory {
    /// Whether there is a slot of that index, and something of that kind in it.
    func isInUse(_ index: Int, as kind: UInt8) -> Bool {
        index < translations.capacity && translations.word(index).isInUse
            && translations.slots[index].key.kind == kind
    }

    /// Flows that began here or elsewhere.
    fileprivate var flowCount: Int {
        (0..<translations.capacity).count { isInUse($0, as: NATKind.up) || isInUse($0, as: NATKind.away) }
    }
}

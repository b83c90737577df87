import CAtomics
import FlowAnchorABI

/// Goes through a part of the table of translations and takes out what is over its time, while programs run.
///
/// A flow goes as it came, backwards: UP, DOWN, then what it counts for. Its slots are claimed without a tag: no key leads
/// there, and who has found one before writes into nobody else's. A mapping or filter that nothing uses gets
/// `FA_NAT_GONE` in place of its users, which no program adds one to. All these slots are free once the programs that
/// run now have ended, see ``NATTable/expire(_:now:from:places:)``.
struct ExpiryPart {
    typealias Slots = UnsafeMutablePointer<fa_translation>

    let memory: NATMemory
    let slots: Slots
    let ticks: NATTicks
    private let now: UInt32
    /// Subscribers of which nothing stays.
    let leaving: Leaving
    let isSweeping: Bool
    var result = NATPass()
    /// Mappings and filters with `FA_NAT_GONE`.
    private(set) var gone: [UInt32] = []
    /// Slots of flows that were taken out.
    private(set) var retired: [UInt32] = []
    /// Those in whose chains some of them are.
    var torn: Torn

    /// Flows that may be over, looked at once what they need was fetched: the memory of one takes longer than all the
    /// rest of its removal.
    private var batch: (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0, 0, 0, 0, 0)
    private var batched = 0
    private static let batchSize = 16

    /// - Parameter torn: those of the parts before.
    init(_ memory: NATMemory, _ ticks: NATTicks, now: UInt32, leaving: Leaving, torn: consuming Torn) {
        self.torn = torn
        self.memory = memory
        slots = memory.translations.slots
        self.ticks = ticks
        self.now = now
        self.leaving = leaving
        isSweeping = !leaving.isEmpty
    }

    /// Ticks since a moment; 0 for one that lies ahead, as another processor's clock may.
    @inline(__always)
    func age(_ seen: UInt32) -> UInt32 {
        let ticks = Int32(bitPattern: now &- seen)
        return ticks > 0 ? UInt32(bitPattern: ticks) : 0
    }

    mutating func run(_ places: Range<Int>) {
        var index = places.lowerBound
        while index < places.upperBound {
            let word = memory.translations.word(index)
            if word.isInUse { visit(index, word) }
            index += 1
        }
        flush()
    }

    @inline(__always)
    private mutating func visit(_ index: Int, _ word: SlotWord) {
        let slot = slots + index
        let transport = slot.pointee.key.`protocol`
        switch slot.pointee.key.kind {
        case NATKind.up:
            count(transport)
            if age(slot.pointee.last_seen) > ticks.shortest(transport) || isSweeping { enqueue(index) }
        case NATKind.down:
            if age(slot.pointee.last_seen) > ticks.shortest(transport) { enqueue(index) }
        case NATKind.away:
            lookAtAway(index, word)
        case NATKind.mapping:
            result.counts.mappings += visitShared(index, unused: ticks.unused(transport))
        case NATKind.filter:
            result.counts.filters += visitShared(index, unused: NATTicks.moment)
        default: break
        }
    }

    @inline(__always)
    private mutating func count(_ transport: UInt8) {
        switch transport {
        case 6: result.counts.tcp += 1
        case 17: result.counts.udp += 1
        default: result.counts.icmp += 1
        }
    }

    // MARK: Flows

    @inline(__always)
    private mutating func enqueue(_ index: Int) {
        let slot = slots + index
        ca_prefetch(slots + bounded(slot.pointee.twin))
        ca_prefetch(slots + bounded(slot.pointee.mapping))
        if slot.pointee.key.kind == NATKind.up {
            ca_prefetch(memory.subscribers.slots + Int(slot.pointee.subscriber) % memory.subscribers.capacity)
        }
        withUnsafeMutableBytes(of: &batch) {
            $0.storeBytes(of: UInt32(index), toByteOffset: batched * 4, as: UInt32.self)
        }
        batched += 1
        if batched == Self.batchSize { flush() }
    }

    /// An index from the table, within it whatever it is.
    @inline(__always)
    private func bounded(_ index: UInt32) -> Int { Int(index) & (memory.translations.capacity - 1) }

    @inline(__always)
    private func batchedIndex(_ place: Int) -> Int {
        Int(withUnsafeBytes(of: batch) { $0.load(fromByteOffset: place * 4, as: UInt32.self) })
    }

    private mutating func flush() {
        var place = 0
        // Where a flow's filter is stands in its DOWN slot, which is here by now.
        while place < batched {
            let up = slots + batchedIndex(place)
            if up.pointee.key.`protocol` == 17, up.pointee.key.kind == NATKind.up {
                let filter = slots[bounded(up.pointee.twin)].filter
                if filter != 0 { ca_prefetch(slots + bounded(filter - 1)) }
            }
            place += 1
        }
        place = 0
        while place < batched {
            look(batchedIndex(place))
            place += 1
        }
        batched = 0
    }

    private mutating func look(_ index: Int) {
        let word = memory.translations.word(index)
        guard word.isInUse else { return }
        switch slots[index].key.kind {
        case NATKind.up: lookAtFlow(index, word)
        case NATKind.down: lookAtReverse(index, word)
        default: break
        }
    }

    private mutating func lookAtFlow(_ index: Int, _ word: SlotWord) {
        let up = slots + index
        let idle = age(up.pointee.last_seen)
        let twin = bounded(up.pointee.twin)
        let reverse = memory.translations.word(twin)
        let isWhole =
            reverse.isInUse && slots[twin].key.kind == NATKind.down && Int(slots[twin].twin) == index
            && slots[twin].mapping == up.pointee.mapping
        guard isWhole else {
            // A program names the one in the other only after both are there.
            if idle > NATTicks.moment { removeFlow(index, word, reverse: nil) }
            return
        }
        if isOver(up, idle, slots + twin) || isSweeping && hasToGo(up) {
            removeFlow(index, word, reverse: (twin, reverse))
        }
    }

    /// Of a subscriber that is on its way out, or by a port of one.
    private func hasToGo(_ up: Slots) -> Bool {
        leaving.contains(up.pointee.subscriber)
            || slots[bounded(up.pointee.mapping)].users & FA_NAT_GONE != 0
    }

    @inline(__always)
    private func isOver(_ up: Slots, _ idle: UInt32, _ down: Slots) -> Bool {
        let both = min(idle, age(down.pointee.last_seen))
        switch up.pointee.key.`protocol` {
        case 6:
            let state = NATFlowState(transport: 6, seenUp: up.pointee.seen, seenDown: down.pointee.seen)
            return both > (state == .established ? ticks.tcpEstablished : ticks.tcpTransitory)
        case 17: return (ticks.udpInboundRefresh ? both : idle) > ticks.udp
        default: return both > ticks.icmp
        }
    }

    /// DOWN alone: its program found no slot for UP and was about to take it out, or this daemon was killed.
    private mutating func lookAtReverse(_ index: Int, _ word: SlotWord) {
        let down = slots + index
        guard age(down.pointee.last_seen) > NATTicks.moment else { return }
        let twin = bounded(down.pointee.twin)
        let isWhole =
            memory.translations.word(twin).isInUse && slots[twin].key.kind == NATKind.up
            && Int(slots[twin].twin) == index
        guard !isWhole, take(index, word) else { return }
        result.orphansRemoved += 1
    }

    private mutating func removeFlow(_ index: Int, _ word: SlotWord, reverse: (index: Int, word: SlotWord)?) {
        let up = slots[index]
        guard take(index, word) else { return }
        switch up.key.`protocol` {
        case 6: result.counts.tcp -= 1
        case 17: result.counts.udp -= 1
        default: result.counts.icmp -= 1
        }
        result.flowsRemoved += 1
        torn.insert(up.subscriber % UInt32(memory.subscribers.capacity))
        if let reverse {
            let filter = slots[reverse.index].filter
            if take(reverse.index, reverse.word), filter != 0 { leave(bounded(filter - 1), NATKind.filter) }
        }
        leave(bounded(up.mapping), NATKind.mapping)
        let flows =
            UnsafeMutableRawPointer(memory.subscribers.slots + Int(up.subscriber) % memory.subscribers.capacity)
            + NATOffset.flows
        _ = ca_fetch_add_u32(flows, .max)
    }

    @inline(__always)
    mutating func take(_ index: Int, _ word: SlotWord) -> Bool {
        guard ca_compare_exchange_u64(slots + index, word.raw, word.next(.claimed, tag: 0).raw) else { return false }
        retired.append(UInt32(index))
        return true
    }

    // MARK: Mappings and filters

    /// One user less.
    private mutating func leave(_ index: Int, _ kind: UInt8) {
        let slot = slots + index
        guard memory.translations.word(index).isInUse, slot.pointee.key.kind == kind else { return }
        let users = UnsafeMutableRawPointer(slot) + NATOffset.use
        var known = ca_load_relaxed_u32(users)
        while known & ~FA_NAT_GONE != 0 {
            if ca_compare_exchange_u32(users, known, known - 1) {
                known -= 1
                break
            }
            known = ca_load_relaxed_u32(users)
        }
        if known & ~FA_NAT_GONE == 0 {
            let transport = slot.pointee.key.`protocol`
            endIfUnused(index, unused: kind == NATKind.mapping ? ticks.unused(transport) : NATTicks.moment)
        }
    }

    /// - Returns: 1 if flows use it.
    @inline(__always)
    private mutating func visitShared(_ index: Int, unused: UInt32) -> Int {
        guard slots[index].users & ~FA_NAT_GONE == 0 else { return 1 }
        endIfUnused(index, unused: unused)
        return 0
    }

    /// From here on no program uses it, if none does now.
    private mutating func endIfUnused(_ index: Int, unused: UInt32) {
        let slot = slots + index
        let users = UnsafeMutableRawPointer(slot) + NATOffset.use
        if ca_load_relaxed_u32(users) == FA_NAT_GONE {
            gone.append(UInt32(index))
            return
        }
        let isDue =
            age(slot.pointee.last_seen) > unused || isSweeping && leaving.contains(slot.pointee.subscriber)
        if isDue, ca_compare_exchange_u32(users, 0, FA_NAT_GONE) { gone.append(UInt32(index)) }
    }
}

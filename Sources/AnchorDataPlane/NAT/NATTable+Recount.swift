import CAtomics
import FlowAnchorABI

extension NATTable {
    /// Mends the counts of what uses mappings, filters and subscribers, and the bits of ports: a process that was
    /// killed may have taken out a flow that is counted still, or a mapping whose port is taken still. Programs may run;
    /// what changes meanwhile is right already, and left alone.
    /// - Returns: how many were wrong.
    func recount() -> Int {
        // Most instances have no NAT.
        guard memory.translations.entries > 0 || memory.subscribers.entries > 0 else { return 0 }
        let before = Tally(memory) {
            memory.users($0)
        } flows: {
            memory.flows($0)
        }
        // Who has counted its flow has made it by then.
        isQuiet()
        var counted = Tally(memory) { _ in
            0
        } flows: { _ in
            0
        }
        var gone: [UInt32] = []
        for index in 0..<memory.translations.capacity where memory.translations.word(index).isInUse {
            let slot = memory.translations.slots + index
            switch slot.pointee.key.kind {
            case NATKind.up: counted.add(memory, slot)
            case NATKind.mapping, NATKind.filter:
                if slot.pointee.users == FA_NAT_GONE { gone.append(UInt32(index)) }
            default: break
            }
        }
        var mended = mendUsers(before, counted) + mendFlows(before, counted)
        var pass = NATPass()
        free(Pending(gone: gone), &pass)
        mended += gone.count
        return mended + mendPorts()
    }

    private func mendUsers(_ before: Tally, _ counted: Tally) -> Int {
        var mended = 0
        for index in 0..<memory.translations.capacity where memory.isShared(index) {
            let (was, now) = (before.users[index], counted.users[index])
            guard was & FA_NAT_GONE == 0, now < was else { continue }
            // Only if nobody has come or gone meanwhile.
            if ca_compare_exchange_u32(memory.place(index) + NATOffset.use, was, now) { mended += 1 }
        }
        return mended
    }

    private func mendFlows(_ before: Tally, _ counted: Tally) -> Int {
        var mended = 0
        for index in 0..<memory.subscribers.capacity where memory.subscribers.word(index).state != .free {
            let (was, now) = (before.flows[index], counted.flows[index])
            if now < was, ca_compare_exchange_u32(field(NATOffset.flows, of: index), was, now) { mended += 1 }
        }
        return mended
    }

    /// Ports that are taken and have no mapping, neither before nor after those programs have ended that may have been
    /// about to make it.
    private func mendPorts() -> Int {
        var suspects: [(block: PortBlock, row: Int, port: Int)] = []
        for block in blocksInUse() where block.outside < memory.outsideCapacity {
            for row in 0..<Int(FA_NAT_PROTOCOLS) {
                for port in block.ports where memory.isTaken(block.outside, row, Int(port)) {
                    if !memory.hasMapping(block.outside, row, Int(port)) { suspects.append((block, row, Int(port))) }
                }
            }
        }
        guard !suspects.isEmpty else { return 0 }
        isQuiet()
        var mended = 0
        for (block, row, port) in suspects where !memory.hasMapping(block.outside, row, port) {
            _ = ca_fetch_and_u64(memory.bits(block.outside, row: row, port: port), ~(1 << UInt64(port % 64)))
            mended += 1
        }
        return mended
    }
}

/// Users of each slot of the table of translations, and flows of each subscriber.
private struct Tally {
    var users: [UInt32]
    var flows: [UInt32]

    init(_ memory: NATMemory, users: (Int) -> UInt32, flows: (Int) -> UInt32) {
        self.users = (0..<memory.translations.capacity).map(users)
        self.flows = (0..<memory.subscribers.capacity).map(flows)
    }

    /// A flow, by its UP slot.
    mutating func add(_ memory: NATMemory, _ up: UnsafePointer<fa_translation>) {
        let mask = memory.translations.capacity - 1
        users[Int(up.pointee.mapping) & mask] += 1
        flows[Int(up.pointee.subscriber) & (memory.subscribers.capacity - 1)] += 1
        let down = memory.translations.slots + (Int(up.pointee.twin) & mask)
        let filter = down.pointee.filter
        if down.pointee.key.kind == NATKind.down, filter != 0 { users[Int(filter - 1) & mask] += 1 }
    }
}

extension NATMemory {
    /// Whether the slot is a mapping or a filter.
    fileprivate func isShared(_ index: Int) -> Bool {
        let kind = translations.slots[index].key.kind
        return translations.word(index).isInUse && (kind == NATKind.mapping || kind == NATKind.filter)
    }

    fileprivate func users(_ index: Int) -> UInt32 {
        isShared(index) ? ca_load_relaxed_u32(place(index) + NATOffset.use) : 0
    }

    fileprivate func flows(_ index: Int) -> UInt32 {
        ca_load_relaxed_u32(UnsafeMutableRawPointer(subscribers.slots + index) + NATOffset.flows)
    }

    fileprivate func isTaken(_ outside: Int, _ row: Int, _ port: Int) -> Bool {
        ca_load_relaxed_u64(bits(outside, row: row, port: port)) >> UInt64(port % 64) & 1 != 0
    }

    /// Whether a mapping has the port.
    fileprivate func hasMapping(_ outside: Int, _ row: Int, _ port: Int) -> Bool {
        let entry = ca_load_acquire_u64(entry(outside, row: row, port: port))
        guard entry != 0, entry <= UInt64(translations.capacity) else { return false }
        let index = Int(entry - 1)
        let slot = translations.slots + index
        return translations.word(index).isInUse && slot.pointee.key.kind == NATKind.mapping
            && NATRow.of(slot.pointee.key.`protocol`) == row && UInt16(bigEndian: slot.pointee.port_be) == UInt16(port)
            && outsideNumber(slot.pointee.address_be) == outside
    }
}

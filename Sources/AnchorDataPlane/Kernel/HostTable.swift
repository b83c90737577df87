import BPFKit
import CAtomics
import FlowAnchorABI
import NetworkTypes

/// The host table over the shared maps: slots, what goes beside them, and the spill map behind them.
struct HostTable {
    private let maps: SharedMaps
    private let table: SlotTable<HostLayout>
    private let slots: UnsafeMutablePointer<fa_host>
    private let extras: UnsafeMutablePointer<fa_host_extra>
    private let secret: HashSecret
    /// Keys that are in the spill map, so that nobody asks the kernel in vain.
    private var spilledKeys: Set<HostKey> = []
    /// Nothing was ever removed, which only the daemon does: no slot was used before, and a host is no further than the
    /// first free one.
    private(set) var isGapless: Bool

    /// - Parameter isNew: nobody had the maps before.
    init(_ maps: SharedMaps, isNew: Bool = false) {
        isGapless = isNew
        self.maps = maps
        table = SlotTable(slots: maps.hosts.base, capacity: maps.hosts.count, state: maps.hostState.base)
        slots = table.slots
        extras = maps.extras.base.assumingMemoryBound(to: fa_host_extra.self)
        secret = HashSecret(maps)
    }

    var bucketMask: UInt32 { table.bucketMask }

    var statistics: TableStatistics {
        let spilled = Int(table.spilled)
        return TableStatistics(entries: table.live + spilled, capacity: table.capacity, spilled: spilled)
    }

    @inline(__always)
    private func hash(_ key: HostLayout.Key) -> UInt64 { secret.hash(key.address, realm: key.realm) }

    /// Has the processor fetch the slots where the host is or goes most likely.
    @inline(__always)
    func prefetch(_ key: HostKey) { table.prefetch(hash(HostLayout.Key(key))) }

    // MARK: Reading

    func record(_ key: HostKey) throws(BPFError) -> HostRecord? {
        let slotKey = HostLayout.Key(key)
        if let record = table.read(hash(slotKey), slotKey, { self.record($0, $1, $2) }) { return record }
        guard spilledKeys.contains(key), let spilled = try maps.spill.value(fa_host_key(key)) else { return nil }
        return HostRecord(spilled)
    }

    @inline(__always)
    private func record(_ slot: UnsafePointer<fa_host>, _ index: Int, _ word: SlotWord) -> HostRecord {
        let value = word.state == .shadowed ? extras[index].shadow : slot.pointee.value
        return HostRecord(value: value, extra: extras + index)
    }

    /// All entries that were last seen so many ticks before `now` or earlier.
    func scan(at now: UInt32, idle ticks: UInt32, _ body: (HostKey, HostRecord, UInt32) -> Bool) throws(BPFError) {
        for index in 0..<table.capacity {
            let word = table.word(index)
            guard word.isInUse else { continue }
            let seen = slots[index].last_seen
            guard ticks == 0 || Int32(bitPattern: now &- seen) >= Int32(bitPattern: ticks) else { continue }
            let key = HostKey(slots[index].address.address, realm: slots[index].realm)
            let record = record(slots + index, index, word)
            guard table.word(index) == word else { continue }
            if !body(key, record, seen) { return }
        }
        guard table.spilled > 0 else { return }
        for key in try maps.spill.keys() {
            guard let spilled = try maps.spill.value(key) else { continue }
            let seen = spilled.host.last_seen
            guard ticks == 0 || Int32(bitPattern: now &- seen) >= Int32(bitPattern: ticks) else { continue }
            let record = HostRecord(spilled)
            if !body(HostKey(key.address.address, realm: key.realm), record, seen) { return }
        }
    }

    /// What is in the spill map is asked of the kernel one by one: so many parts of it are a place each.
    private static let spillParts = 64

    /// The hosts in a part of the table: places are the slots, and behind them the parts of the spill map, of which one
    /// is gone through at a time.
    /// - Returns: where to go on; `nil` at the end.
    func scan(
        from place: Int, places count: Int, _ body: (HostKey, HostRecord, UInt32) -> Void
    ) throws(BPFError) -> Int? {
        guard place < table.capacity else {
            return try scanSpilled(place, body)
        }
        let end = count < table.capacity - place ? place + count : table.capacity
        for index in place..<end {
            let word = table.word(index)
            guard word.isInUse else { continue }
            let key = HostKey(slots[index].address.address, realm: slots[index].realm)
            let (record, seen) = (record(slots + index, index, word), slots[index].last_seen)
            if table.word(index) == word { body(key, record, seen) }
        }
        return end
    }

    /// The same, of hosts that were last seen so many ticks before `now` or later. What lies beside the slots is left
    /// alone.
    func scan(
        from place: Int, places count: Int, at now: UInt32, within ticks: UInt32, _ body: (IPAddress, UInt32) -> Void
    ) throws(BPFError) -> Int? {
        guard place < table.capacity else {
            return try scanSpilled(place) { key, _, seen in
                if Int32(bitPattern: now &- seen) <= Int32(bitPattern: ticks) { body(key.address, seen) }
            }
        }
        let end = count < table.capacity - place ? place + count : table.capacity
        for index in place..<end {
            let word = table.word(index)
            guard word.isInUse else { continue }
            let seen = slots[index].last_seen
            guard Int32(bitPattern: now &- seen) <= Int32(bitPattern: ticks) else { continue }
            let address = slots[index].address.address
            if table.word(index) == word { body(address, seen) }
        }
        return end
    }

    private func scanSpilled(
        _ place: Int, _ body: (HostKey, HostRecord, UInt32) -> Void
    ) throws(BPFError) -> Int? {
        let part = UInt64(place - table.capacity)
        for key in spilledKeys where hash(HostLayout.Key(key)) % UInt64(Self.spillParts) == part {
            guard let spilled = try maps.spill.value(fa_host_key(key)) else { continue }
            body(key, HostRecord(spilled), spilled.host.last_seen)
        }
        return spilledKeys.isEmpty || part + 1 == Self.spillParts ? nil : place + 1
    }

    /// Calls `body` with each host and what goes beside it, as long as it returns `true`. Nobody may write.
    func visit(_ body: (fa_host, fa_host_extra) -> Bool) throws(BPFError) {
        for index in 0..<table.capacity where table.word(index).isInUse {
            if !body(slots[index], extras[index]) { return }
        }
        for key in spilledKeys {
            guard let spilled = try maps.spill.value(fa_host_key(key)) else { continue }
            if !body(spilled.host, spilled.extra) { return }
        }
    }

    // MARK: Writing

    /// Adds a host that isn't there, as it was in another table.
    mutating func insert(_ host: fa_host, _ extra: fa_host_extra) throws(BPFError) {
        let key = HostKey(host.address.address, realm: host.realm)
        let slotKey = HostLayout.Key(key)
        let hash = hash(slotKey)
        guard case .claimed(let claim) = table.claim(hash, slotKey) else {
            return try spill(key, hash, HostRecord(host, extra), tick: host.last_seen, extra)
        }
        fill(claim.index, slotKey, HostRecord(host, extra), tick: host.last_seen)
        extras[claim.index] = extra
        table.publish(claim)
    }

    /// Adds the host or changes it in place.
    /// - Returns: what was there before.
    /// - Throws: ENOSPC if there is no room.
    mutating func set(_ key: HostKey, _ record: HostRecord, tick: UInt32) throws(BPFError) -> HostRecord? {
        let slotKey = HostLayout.Key(key)
        let hash = hash(slotKey)
        while true {
            if let found = table.find(hash, slotKey) {
                let old = self.record(slots + found.index, found.index, found.word)
                // After a restart most are as they were.
                if old == record { return old }
                if replace(found, old, by: record) { return old }
                continue
            }
            if isSpilled(key), let spilled = try maps.spill.value(fa_host_key(key)) {
                try replace(spilled, key, by: record)
                return HostRecord(spilled)
            }
            switch table.claim(hash, slotKey) {
            case .claimed(let claim):
                fill(claim.index, slotKey, record, tick: tick)
                table.publish(claim)
                return nil
            case .exists, .contended:
                continue
            case .full:
                try spill(key, hash, record, tick: tick)
                return nil
            }
        }
    }

    /// The same, quicker while hosts are put into a new table one after the other. Programs insert none meanwhile.
    @inline(__always)
    mutating func load(_ key: HostKey, _ record: HostRecord, tick: UInt32) throws(BPFError) -> HostRecord? {
        let slotKey = HostLayout.Key(key)
        guard isGapless, case .claimed(let claim) = table.place(hash(slotKey), slotKey) else {
            return try set(key, record, tick: tick)
        }
        fill(claim.index, slotKey, record, tick: tick)
        table.publish(claim)
        return nil
    }

    @inline(__always)
    private func fill(_ index: Int, _ key: HostLayout.Key, _ record: HostRecord, tick: UInt32) {
        let slot = slots + index
        slot.pointee.realm = key.realm
        slot.pointee.last_seen = tick
        slot.pointee.address = key.address
        slot.pointee.value = record.value
        // What lies beside a slot that was never used is empty already, and far away.
        if record.isBoth || !isGapless { extras[index] = Self.extra(record) }
    }

    private static func extra(_ record: HostRecord) -> fa_host_extra {
        var extra = fa_host_extra()
        extra.neighbour = record.neighbour
        extra.neighbour_path = record.neighbourPath
        return extra
    }

    /// Changes a value while packets use it.
    private func replace(_ found: SlotTable<HostLayout>.Reference, _ old: HostRecord, by new: HostRecord) -> Bool {
        let extra = extras + found.index
        var shadow = new.value
        if new.isBoth {
            if old.isBoth, !new.hasSameNeighbour(as: old) {
                // The neighbour has no shadow. While it changes, packets take the tunnel, which is right too.
                shadow.flags &= ~UInt16(FA_HOST_ATTACHED | FA_HOST_BICAST)
            } else {
                // No reader looks at it before the flags say so.
                extra.pointee.neighbour = new.neighbour
                extra.pointee.neighbour_path = new.neighbourPath
            }
        }
        extra.pointee.shadow = shadow
        guard let shadowed = table.shadow(found) else { return false }
        if new.isBoth {
            extra.pointee.neighbour = new.neighbour
            extra.pointee.neighbour_path = new.neighbourPath
        }
        if !new.continues(old) {
            extra.pointee.transmit_sequence = 0
            extra.pointee.receive_sequence = 0
        }
        slots[found.index].value = new.value
        table.unshadow(shadowed)
        return true
    }

    /// - Returns: what was there; `nil` if nothing was.
    mutating func remove(_ key: HostKey) throws(BPFError) -> HostRecord? {
        let slotKey = HostLayout.Key(key)
        let hash = hash(slotKey)
        while let found = table.find(hash, slotKey) {
            let old = record(slots + found.index, found.index, found.word)
            guard table.remove(found) else { continue }
            isGapless = false
            return old
        }
        guard isSpilled(key), let spilled = try maps.spill.value(fa_host_key(key)) else { return nil }
        try maps.spill.remove(fa_host_key(key))
        spilledKeys.remove(key)
        table.addSpilled(-1)
        return HostRecord(spilled)
    }

    // MARK: The spill map

    @inline(__always)
    private func isSpilled(_ key: HostKey) -> Bool { !spilledKeys.isEmpty && spilledKeys.contains(key) }

    private mutating func spill(
        _ key: HostKey, _ hash: UInt64, _ record: HostRecord, tick: UInt32, _ extra: fa_host_extra? = nil
    ) throws(BPFError) {
        var spilled = fa_host_spilled()
        spilled.host.header.word = SlotWord(raw: 0).next(.live, tag: fa_hash_tag(hash)).raw
        spilled.host.realm = key.realm
        spilled.host.last_seen = tick
        spilled.host.address = fa_address(key.address)
        spilled.host.value = record.value
        spilled.extra = extra ?? Self.extra(record)
        // Counted first: a reader that finds 0 doesn't look into the map.
        table.addSpilled(1)
        do {
            try maps.spill.set(fa_host_key(key), to: spilled, mode: .create)
            spilledKeys.insert(key)
        } catch {
            table.addSpilled(-1)
            throw error
        }
    }

    private func replace(_ old: fa_host_spilled, _ key: HostKey, by record: HostRecord) throws(BPFError) {
        var spilled = old
        spilled.host.header.word = SlotWord(raw: old.host.header.word).next(.live).raw
        spilled.host.value = record.value
        spilled.extra.neighbour = record.neighbour
        spilled.extra.neighbour_path = record.neighbourPath
        if !record.continues(HostRecord(old)) {
            spilled.extra.transmit_sequence = 0
            spilled.extra.receive_sequence = 0
        }
        try maps.spill.set(fa_host_key(key), to: spilled, mode: .replace)
    }

    // MARK: After a crash

    /// Mends what a writer that was killed has left.
    /// - Returns: how many entries were mended.
    mutating func repair() throws(BPFError) -> Int {
        let mended = table.repair(
            isQuiet: { _ = ca_wait_for_programs() },
            restore: { slots[$0].value = extras[$0].shadow })
        spilledKeys = Set(try maps.spill.keys().map { HostKey($0.address.address, realm: $0.realm) })
        ca_store_release_u32(table.address(of: \.spilled), UInt32(spilledKeys.count))
        return mended
    }
}

extension fa_host_key {
    init(_ key: HostKey) {
        self.init(address: fa_address(key.address), realm: key.realm, pad: 0)
    }
}

extension HostRecord {
    func hasSameNeighbour(as other: HostRecord) -> Bool {
        neighbour.attachment == other.neighbour.attachment && neighbour.anchors == other.neighbour.anchors
            && neighbourPath == other.neighbourPath
    }
}

import CAtomics
import FlowAnchorABI

/// What the generic table must know of one kind of slot.
protocol SlotLayout {
    /// The C struct of a slot; it begins with `fa_slot_header`.
    associatedtype Slot
    associatedtype Key

    static func equals(_ slot: UnsafePointer<Slot>, _ key: Key) -> Bool
}

/// The table of `fa_table.h` over memory that is shared with the programs: fixed slots, two buckets a
/// key. Programs and one writer here insert and remove at the same time; only this writer changes
/// values in place.
///
/// The memory must outlive the table. Order of loads and stores is that of x86-64, as on the programs'
/// side. It may go from thread to thread: what changes is in that memory and changed atomically, and the writer
/// is one by its owner's lock.
struct SlotTable<Layout: SlotLayout>: @unchecked Sendable {
    typealias Slot = Layout.Slot

    let slots: UnsafeMutablePointer<Slot>
    let capacity: Int
    let state: UnsafeMutablePointer<fa_table_state>
    let bucketMask: UInt32

    /// - Parameter capacity: slots, a power of two of at least two buckets.
    init(slots: UnsafeMutableRawPointer, capacity: Int, state: UnsafeMutableRawPointer) {
        precondition(capacity.nonzeroBitCount == 1 && capacity >= 2 * Int(FA_BUCKET_SLOTS), "table size")
        self.slots = slots.assumingMemoryBound(to: Slot.self)
        self.capacity = capacity
        self.state = state.assumingMemoryBound(to: fa_table_state.self)
        bucketMask = UInt32(capacity / Int(FA_BUCKET_SLOTS) - 1)
    }

    /// A slot, with its word as it was when it was looked at.
    struct Reference {
        var index: Int
        var word: SlotWord
    }

    enum Claim {
        case claimed(Reference)
        /// The key is there already.
        case exists
        /// Someone may be inserting the same key at this moment: try again.
        case contended
        case full
    }

    @inline(__always)
    func word(_ index: Int) -> SlotWord { SlotWord(raw: ca_load_acquire_u64(slots + index)) }

    @inline(__always)
    private func exchange(_ reference: Reference, for word: SlotWord) -> Bool {
        ca_compare_exchange_u64(slots + reference.index, reference.word.raw, word.raw)
    }

    /// Index of the slot that is looked at at this attempt, 0 to 7.
    @inline(__always)
    private func index(_ hash: UInt64, _ attempt: UInt32) -> Int {
        let isFirst = attempt < FA_BUCKET_SLOTS
        let bucket = isFirst ? fa_bucket_first(hash, bucketMask) : fa_bucket_second(hash, bucketMask)
        return Int(fa_bucket_slot(bucket, hash, attempt))
    }

    private var usesSecondBuckets: Bool { ca_load_relaxed_u32(address(of: \.second_bucket)) != 0 }

    // MARK: Finding

    /// Has the processor fetch the slots that are looked at first: most keys are there or go there.
    @inline(__always)
    func prefetch(_ hash: UInt64) {
        ca_prefetch(slots + index(hash, 0))
        ca_prefetch(slots + index(hash, 1))
    }

    func find(_ hash: UInt64, _ key: Layout.Key) -> Reference? {
        let tag = fa_hash_tag(hash)
        if let found = find(hash, key, tag, 0..<FA_BUCKET_SLOTS) { return found }
        return usesSecondBuckets ? find(hash, key, tag, FA_BUCKET_SLOTS..<2 * FA_BUCKET_SLOTS) : nil
    }

    @inline(__always)
    private func find(_ hash: UInt64, _ key: Layout.Key, _ tag: UInt32, _ attempts: Range<UInt32>) -> Reference? {
        var attempt = attempts.lowerBound
        while attempt < attempts.upperBound {
            let index = index(hash, attempt)
            let word = word(index)
            if word.tag == tag, word.isInUse, Layout.equals(slots + index, key) {
                return Reference(index: index, word: word)
            }
            attempt += 1
        }
        return nil
    }

    /// Copies from a slot what `body` reads, again and again until the slot stayed the same meanwhile.
    /// - Returns: `nil` if the key has gone.
    func read<Result>(
        _ hash: UInt64, _ key: Layout.Key, _ body: (UnsafePointer<Slot>, Int, SlotWord) -> Result
    ) -> Result? {
        while let found = find(hash, key) {
            let result = body(slots + found.index, found.index, found.word)
            if word(found.index) == found.word { return result }
        }
        return nil
    }

    /// Calls `body` with what `read` copies from each slot in use, until it returns `false`. What changed while it was
    /// copied is copied again.
    func visit<Result>(_ read: (UnsafePointer<Slot>, Int, SlotWord) -> Result, _ body: (Result) -> Bool) {
        for index in 0..<capacity {
            var word = word(index)
            while word.isInUse {
                let result = read(slots + index, index, word)
                let after = self.word(index)
                if after == word {
                    if !body(result) { return }
                    break
                }
                word = after
            }
        }
    }

    // MARK: Inserting and removing

    /// A free slot for the key, which nobody else sees until it is published.
    /// - Parameter balances: in the emptier one of its buckets, so that a table that nothing is behind takes all keys
    ///   until it is nearly half full; otherwise in the first as long as there is room, where it is found sooner.
    func claim(_ hash: UInt64, _ key: Layout.Key, balances: Bool = false) -> Claim {
        let tag = fa_hash_tag(hash)
        let begin = balances && used(hash, FA_BUCKET_SLOTS) < used(hash, 0) ? FA_BUCKET_SLOTS : 0
        var step: UInt32 = 0
        while step < 2 * FA_BUCKET_SLOTS {
            let attempt = step ^ begin
            step += 1
            let index = index(hash, attempt)
            let free = word(index)
            guard free.state == .free else { continue }
            if attempt >= FA_BUCKET_SLOTS, !usesSecondBuckets {
                ca_store_release_u32(address(of: \.second_bucket), 1)
            }
            let word = free.next(.claimed, tag: tag)
            guard exchange(Reference(index: index, word: free), for: word) else { continue }
            if let refusal = contention(hash, key, tag, own: index) {
                ca_store_release_u64(slots + index, word.next(.free, tag: 0).raw)
                return refusal
            }
            _ = ca_fetch_add_u64(address(of: \.live), 1)
            return .claimed(Reference(index: index, word: word))
        }
        _ = ca_fetch_add_u64(address(of: \.overflowed), 1)
        return .full
    }

    /// Slots in use of the bucket that begins with this attempt.
    private func used(_ hash: UInt64, _ first: UInt32) -> Int {
        (first..<first + FA_BUCKET_SLOTS).count { word(index(hash, $0)).state != .free }
    }

    /// What ``place(_:_:)`` comes to.
    enum Place {
        /// The key is here.
        case found(Reference)
        /// It is nowhere, and this is its slot from now on, to be published.
        case claimed(Reference)
        /// Both buckets are full, and the key isn't in them.
        case full
    }

    /// The key's slot, or a free one for it, without a look at any behind that.
    ///
    /// Only for a table from which nothing was ever removed and into which nobody else inserts: had the key come
    /// before, it would be no further than the first slot that is free by now.
    @inline(__always)
    func place(_ hash: UInt64, _ key: Layout.Key) -> Place {
        let tag = fa_hash_tag(hash)
        var attempt: UInt32 = 0
        while attempt < 2 * FA_BUCKET_SLOTS {
            let index = index(hash, attempt)
            let word = word(index)
            if word.state == .free {
                if attempt >= FA_BUCKET_SLOTS, !usesSecondBuckets {
                    ca_store_release_u32(address(of: \.second_bucket), 1)
                }
                let claimed = word.next(.claimed, tag: tag)
                guard exchange(Reference(index: index, word: word), for: claimed) else { continue }
                _ = ca_fetch_add_u64(address(of: \.live), 1)
                return .claimed(Reference(index: index, word: claimed))
            }
            if word.tag == tag, word.isInUse, Layout.equals(slots + index, key) {
                return .found(Reference(index: index, word: word))
            }
            attempt += 1
        }
        return .full
    }

    /// Whether the key is in another slot, or may be about to be.
    private func contention(_ hash: UInt64, _ key: Layout.Key, _ tag: UInt32, own: Int) -> Claim? {
        // Whoever goes to a second bucket says so before it claims a slot there, and then looks here.
        let attempts = usesSecondBuckets ? 2 * FA_BUCKET_SLOTS : FA_BUCKET_SLOTS
        var attempt: UInt32 = 0
        while attempt < attempts {
            let index = index(hash, attempt)
            attempt += 1
            guard index != own else { continue }
            let word = word(index)
            guard word.tag == tag else { continue }
            if word.state == .claimed { return .contended }
            if word.isInUse, Layout.equals(slots + index, key) { return .exists }
        }
        return nil
    }

    /// What was claimed, and filled, is there for all.
    @inline(__always)
    func publish(_ claim: Reference) {
        ca_store_release_u64(slots + claim.index, claim.word.next(.live).raw)
    }

    /// - Returns: `false` if the slot changed since it was looked at.
    func remove(_ reference: Reference) -> Bool {
        guard exchange(reference, for: reference.word.next(.free, tag: 0)) else { return false }
        _ = ca_fetch_add_u64(address(of: \.live), UInt64.max)
        return true
    }

    // MARK: Changing in place

    /// From here on readers take the value from the shadow, which holds the new one already.
    /// - Returns: the slot as it is now; `nil` if it changed since it was looked at.
    func shadow(_ reference: Reference) -> Reference? {
        let word = reference.word.next(.shadowed)
        return exchange(reference, for: word) ? Reference(index: reference.index, word: word) : nil
    }

    /// The slot itself holds the new value too: readers take it from there again.
    func unshadow(_ reference: Reference) {
        ca_store_release_u64(slots + reference.index, reference.word.next(.live).raw)
    }

    // MARK: State of the table

    @inline(__always)
    func address<Field>(of field: KeyPath<fa_table_state, Field>) -> UnsafeMutableRawPointer {
        UnsafeMutableRawPointer(state) + MemoryLayout<fa_table_state>.offset(of: field).unsafelyUnwrapped
    }

    var live: Int { Int(ca_load_relaxed_u64(address(of: \.live))) }
    var spilled: UInt32 { ca_load_acquire_u32(address(of: \.spilled)) }

    func addSpilled(_ count: Int32) {
        _ = ca_fetch_add_u32(address(of: \.spilled), UInt32(bitPattern: count))
    }

    /// Mends what a writer that was killed has left: slots that it claimed are free again, values that it
    /// was changing are the new ones. Programs may run; what they are inserting is left alone.
    /// - Parameters:
    ///   - isQuiet: returns after every program that runs now has ended.
    ///   - restore: copies the shadow of this slot to its value.
    /// - Returns: how many slots were mended.
    func repair(isQuiet: () -> Void, restore: (Int) -> Void) -> Int {
        var claimed: [Reference] = []
        var mended = 0
        var live: UInt64 = 0
        for index in 0..<capacity {
            let word = word(index)
            switch word.state {
            case .free: continue
            case .live: live += 1
            case .claimed: claimed.append(Reference(index: index, word: word))
            case .shadowed:
                restore(index)
                unshadow(Reference(index: index, word: word))
                live += 1
                mended += 1
            }
        }
        ca_store_relaxed_u64(address(of: \.live), live)
        guard !claimed.isEmpty else { return mended }
        isQuiet()
        for slot in claimed where exchange(slot, for: slot.word.next(.free, tag: 0)) { mended += 1 }
        return mended
    }
}

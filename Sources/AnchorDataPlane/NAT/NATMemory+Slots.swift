import CAtomics
import FlowAnchorABI

/// The table of translations by its keys, as programs find and insert them (`BPF/include/translation_table.h`): three
/// buckets a key, and a bit that tells whether to look beyond the first.
extension NATMemory {
    typealias Reference = SlotTable<TranslationLayout>.Reference
    typealias Claim = SlotTable<TranslationLayout>.Claim

    private static let attempts = 3 * FA_BUCKET_SLOTS

    private func index(_ hash: UInt64, _ attempt: UInt32) -> Int {
        let mask = translations.bucketMask
        let bucket =
            switch attempt / FA_BUCKET_SLOTS {
            case 0: fa_bucket_first(hash, mask)
            case 1: fa_bucket_second(hash, mask)
            default: fa_bucket_third(hash, mask)
            }
        return Int(fa_bucket_slot(bucket, hash, attempt))
    }

    private func elsewhereWord(_ hash: UInt64) -> UnsafeMutablePointer<UInt64> {
        elsewhere + Int(fa_bucket_first(hash, translations.bucketMask) >> 6)
    }

    private func elsewhereBit(_ hash: UInt64) -> UInt64 {
        1 << UInt64(fa_bucket_first(hash, translations.bucketMask) & 63)
    }

    private func isElsewhere(_ hash: UInt64) -> Bool {
        ca_load_relaxed_u64(elsewhereWord(hash)) & elsewhereBit(hash) != 0
    }

    /// Has the processor fetch the slots where the key is or goes most likely: a bucket, a cache line each.
    @inline(__always)
    func prefetch(_ hash: UInt64) {
        let bucket = translations.slots + Int(fa_bucket_first(hash, translations.bucketMask) * FA_BUCKET_SLOTS)
        for slot in 0..<Int(FA_BUCKET_SLOTS) { ca_prefetch(bucket + slot) }
    }

    func find(_ key: TranslationKey) -> Reference? { find(key, hash(key)) }

    func find(_ key: TranslationKey, _ hash: UInt64) -> Reference? {
        let tag = fa_hash_tag(hash)
        for attempt in 0..<(isElsewhere(hash) ? Self.attempts : FA_BUCKET_SLOTS) {
            let index = index(hash, attempt)
            let word = translations.word(index)
            if word.tag == tag, word.isInUse, TranslationLayout.equals(translations.slots + index, key) {
                return Reference(index: index, word: word)
            }
        }
        return nil
    }

    /// A free slot for the key, which nobody else sees until it is published.
    func claim(_ key: TranslationKey) -> Claim { claim(key, hash(key)) }

    func claim(_ key: TranslationKey, _ hash: UInt64) -> Claim {
        let tag = fa_hash_tag(hash)
        let begin = beginning(hash)
        for step in 0..<Self.attempts {
            let attempt = (begin + step) % Self.attempts
            let index = index(hash, attempt)
            let free = translations.word(index)
            guard free.state == .free else { continue }
            // Said before the slot is claimed: who looks for another of the same key looks there then.
            if attempt >= FA_BUCKET_SLOTS { ca_fetch_or_u64(elsewhereWord(hash), elsewhereBit(hash)) }
            let word = free.next(.claimed, tag: tag)
            guard ca_compare_exchange_u64(place(index), free.raw, word.raw) else { continue }
            if let refusal = contention(hash, key, tag, own: index) {
                ca_store_release_u64(place(index), word.next(.free, tag: 0).raw)
                return refusal
            }
            _ = ca_fetch_add_u64(translations.address(of: \.live), 1)
            return .claimed(Reference(index: index, word: word))
        }
        _ = ca_fetch_add_u64(translations.address(of: \.overflowed), 1)
        return .full
    }

    /// The attempt to begin with for a new key: that of its first bucket, or of the least full one where that is nearly
    /// full.
    private func beginning(_ hash: UInt64) -> UInt32 {
        func used(_ first: UInt32) -> Int {
            (first..<first + FA_BUCKET_SLOTS).count { translations.word(index(hash, $0)).state != .free }
        }
        var least = used(0)
        var begin: UInt32 = 0
        guard least >= Int(FA_BUCKET_SLOTS) - 1 else { return 0 }
        for first in [FA_BUCKET_SLOTS, 2 * FA_BUCKET_SLOTS] {
            let count = used(first)
            if count < least { (least, begin) = (count, first) }
        }
        return begin
    }

    private func contention(_ hash: UInt64, _ key: TranslationKey, _ tag: UInt32, own: Int) -> Claim? {
        for attempt in 0..<(isElsewhere(hash) ? Self.attempts : FA_BUCKET_SLOTS) {
            let index = index(hash, attempt)
            guard index != own else { continue }
            let word = translations.word(index)
            guard word.tag == tag else { continue }
            if word.state == .claimed { return .contended }
            if word.isInUse, TranslationLayout.equals(translations.slots + index, key) { return .exists }
        }
        return nil
    }
}

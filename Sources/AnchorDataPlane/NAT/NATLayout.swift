import FlowAnchorABI

/// What names a slot of `fa_translations`: `fa_nat_key` as words, as they are in memory; the third is half of one.
struct TranslationKey: Hashable {
    var words: (UInt64, UInt64, UInt64)

    @inline(__always)
    init(_ key: fa_nat_key) {
        words = withUnsafeBytes(of: key) {
            (
                $0.load(fromByteOffset: 0, as: UInt64.self), $0.load(fromByteOffset: 8, as: UInt64.self),
                UInt64($0.load(fromByteOffset: 16, as: UInt32.self))
            )
        }
    }

    @inline(__always)
    static func == (a: TranslationKey, b: TranslationKey) -> Bool { a.words == b.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
    }
}

/// Slots of `fa_translations`.
enum TranslationLayout: SlotLayout {
    @inline(__always)
    static func equals(_ slot: UnsafePointer<fa_translation>, _ key: TranslationKey) -> Bool {
        let words = UnsafeRawPointer(slot) + NATOffset.key
        return words.load(as: UInt64.self) == key.words.0
            && words.load(fromByteOffset: 8, as: UInt64.self) == key.words.1
            && UInt64(words.load(fromByteOffset: 16, as: UInt32.self)) == key.words.2
    }
}

/// Slots of `fa_subscribers`.
enum SubscriberLayout: SlotLayout {
    @inline(__always)
    static func equals(_ slot: UnsafePointer<fa_subscriber>, _ key: fa_subscriber_key) -> Bool {
        slot.pointee.key.address_be == key.address_be && slot.pointee.key.realm == key.realm
    }
}

/// Where fields are in the slots, in bytes, for those that are read or changed by themselves.
enum NATOffset {
    static let key = MemoryLayout<fa_translation>.offset(of: \.key)!
    static let kind = key + MemoryLayout<fa_nat_key>.offset(of: \.kind)!
    static let next = MemoryLayout<fa_translation>.offset(of: \.next)!
    static let transport = key + MemoryLayout<fa_nat_key>.offset(of: \.`protocol`)!
    static let lastSeen = MemoryLayout<fa_translation>.offset(of: \.last_seen)!
    /// `seen` and `users`, which share their place; Swift has no key path to what is in a union.
    static let use = lastSeen + MemoryLayout<UInt32>.size
    /// `twin` and `router`.
    static let twin = use + MemoryLayout<UInt32>.size
    static let mapping = MemoryLayout<fa_translation>.offset(of: \.mapping)!
    /// `subscriber` and `filter`.
    static let owner = mapping + MemoryLayout<UInt32>.size
    static let flows = MemoryLayout<fa_subscriber>.offset(of: \.flows)!
    static let flowLimit = MemoryLayout<fa_subscriber>.offset(of: \.flow_limit)!
    static let blockCount = MemoryLayout<fa_subscriber>.offset(of: \.block_count)!
    static let wantsBlock = MemoryLayout<fa_subscriber>.offset(of: \.wants_block)!
    static let chain = MemoryLayout<fa_subscriber>.offset(of: \.chain)!
    static let refused = MemoryLayout<fa_subscriber>.offset(of: \.refused)!
    static let blocks = MemoryLayout<fa_subscriber>.offset(of: \.blocks)!
}

/// `fa_nat_key.kind`.
enum NATKind {
    static let up = UInt8(FA_NAT_UP)
    static let down = UInt8(FA_NAT_DOWN)
    static let mapping = UInt8(FA_NAT_MAPPING)
    static let filter = UInt8(FA_NAT_FILTER)
    static let away = UInt8(FA_NAT_AWAY)
}

/// `FA_NAT_…` of an IP protocol: its row in blocks and ports.
enum NATRow {
    @inline(__always)
    static func of(_ transport: UInt8) -> Int? {
        switch transport {
        case 6: Int(FA_NAT_TCP)
        case 17: Int(FA_NAT_UDP)
        case 1: Int(FA_NAT_ICMP)
        default: nil
        }
    }
}

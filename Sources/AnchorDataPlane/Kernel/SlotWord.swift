import FlowAnchorABI

/// The word that a slot begins with, see `fa_table.h`: state, generation and tag, changed as a whole.
struct SlotWord: Hashable, Sendable {
    var raw: UInt64

    enum State: UInt64 {
        case free = 0
        case claimed = 1
        case live = 2
        case shadowed = 3
    }

    @inline(__always)
    var state: State { State(rawValue: raw & FA_SLOT_STATE_MASK).unsafelyUnwrapped }

    /// Upper half of the key's hash, 0 while the slot is free.
    @inline(__always)
    var tag: UInt32 { UInt32(truncatingIfNeeded: raw >> 32) }

    /// Whether a key is there to be found.
    @inline(__always)
    var isInUse: Bool { raw & FA_SLOT_STATE_MASK >= State.live.rawValue }

    /// The word after a change of state, one generation on.
    @inline(__always)
    func next(_ state: State, tag: UInt32) -> SlotWord {
        let generation = (raw &+ FA_SLOT_GENERATION_ONE) & FA_SLOT_GENERATION_MASK
        return SlotWord(raw: UInt64(tag) << 32 | generation | state.rawValue)
    }

    @inline(__always)
    func next(_ state: State) -> SlotWord { next(state, tag: tag) }
}

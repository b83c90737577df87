/// Which messages of one sender were accepted: the newest and the 64 sequence numbers up to it (RFC 4303, section
/// 3.4.3), within one epoch of the sender (T4, T13, T14).
public struct ReplayWindow: Hashable, Sendable {
    /// How far behind the newest a late message may be.
    public static let size: UInt32 = 64

    /// The newest message accepted; `nil` before the first.
    public private(set) var newest: MessageReference?
    /// Bit n: the sequence number n before the newest was accepted.
    private var seen: UInt64 = 0

    /// For a sender of which nothing is known.
    public init() {}

    /// After a restart: everything up to this message counts as accepted, since what was, is not known any more.
    public init(restoring newest: MessageReference) {
        self.newest = newest
        seen = .max
    }

    /// What becomes of a message. Changes nothing; `accept` does.
    public func verdict(on message: MessageReference) -> ReplayVerdict {
        guard let newest else { return .fresh }
        if message.epoch > newest.epoch { return .fresh }
        if message.epoch < newest.epoch { return .staleEpoch(newest) }
        if message.sequence > newest.sequence { return .fresh }
        let distance = newest.sequence - message.sequence
        guard distance < Self.size, seen >> UInt64(distance) & 1 == 0 else { return .replayed(newest) }
        return .fresh
    }

    /// Takes the message in, if it is fresh. Only an authentic one may be given.
    public mutating func accept(_ message: MessageReference) -> ReplayVerdict {
        let verdict = verdict(on: message)
        guard case .fresh = verdict else { return verdict }
        guard let newest, newest.epoch == message.epoch else {
            newest = message
            seen = 1
            return .fresh
        }
        if message.sequence > newest.sequence {
            let distance = message.sequence - newest.sequence
            seen = distance < Self.size ? seen << UInt64(distance) | 1 : 1
            self.newest = message
        } else {
            seen |= 1 << UInt64(newest.sequence - message.sequence)
        }
        return .fresh
    }
}

/// What a replay window says of a message.
public enum ReplayVerdict: Hashable, Sendable {
    /// Not accepted before.
    case fresh
    /// Accepted before, or so old that it may have been. The window's newest goes into the refusal.
    case replayed(MessageReference)
    /// From an earlier run of the sender, or the sender's epoch fell behind. The window's newest goes into the
    /// refusal, so that the sender can go on above it.
    case staleEpoch(MessageReference)

    /// The refusal; `nil` for a fresh message.
    public var refusal: (code: ErrorCode, view: MessageReference)? {
        switch self {
        case .fresh: nil
        case .replayed(let newest): (.replayed, newest)
        case .staleEpoch(let newest): (.staleEpoch, newest)
        }
    }
}

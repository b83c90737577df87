import AnchorProtocol

/// A request that is sent again, each time with a new sequence number, until an answer to any of its copies comes.
struct Retry: Hashable, Sendable {
    private(set) var attempts = 0
    private(set) var nextAt: MonotonicInstant
    /// The copies sent last; an answer to an older one comes too late to matter.
    private var references: [MessageReference] = []

    /// - Parameter start: when the first copy is due.
    init(startingAt start: MonotonicInstant) { nextAt = start }

    func isAnswered(by reference: MessageReference) -> Bool { references.contains(reference) }

    var newest: MessageReference { references.last ?? .none }

    mutating func sent(_ reference: MessageReference, nextAt: MonotonicInstant) {
        attempts += 1
        if references.count == 8 { references.removeFirst() }
        references.append(reference)
        self.nextAt = nextAt
    }

    /// The next copy is due at once.
    mutating func hasten(to now: MonotonicInstant) { nextAt = now }
}

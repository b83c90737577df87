/// The message that another one speaks of: its sender's epoch and its sequence number. Ordered by epoch, then by
/// sequence (T14).
public struct MessageReference: Hashable, Sendable, Comparable {
    public var epoch: UInt32
    public var sequence: UInt32

    public init(epoch: UInt32, sequence: UInt32) {
        self.epoch = epoch
        self.sequence = sequence
    }

    @inlinable public static func < (a: MessageReference, b: MessageReference) -> Bool {
        a.epoch != b.epoch ? a.epoch < b.epoch : a.sequence < b.sequence
    }
}

extension MessageHeader {
    /// What an answer to this message refers to.
    public var reference: MessageReference { MessageReference(epoch: epoch, sequence: sequence) }
}

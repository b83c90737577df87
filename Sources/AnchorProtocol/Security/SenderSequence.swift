/// Numbers the messages of one sender. Each transmission takes the next number, a retransmission as well, so a receiver
/// never sees one twice unless somebody repeats it.
public struct SenderSequence: Hashable, Sendable {
    /// The message numbered last; sequence 0 before the first.
    public private(set) var last: MessageReference

    /// - Parameter epoch: greater than that of every earlier run, and on stable storage before the first message.
    public init(epoch: UInt32) {
        precondition(epoch != 0, "epochs begin at 1")
        last = MessageReference(epoch: epoch, sequence: 0)
    }

    /// What to store when it changes.
    public var epoch: UInt32 { last.epoch }

    /// The number of the next message. Behind sequence 2³²−1 the epoch grows by one.
    public mutating func next() -> MessageReference {
        if last.sequence < .max {
            last.sequence += 1
        } else {
            precondition(last.epoch < .max, "a sender ran out of epochs")
            last = MessageReference(epoch: last.epoch + 1, sequence: 1)
        }
        return last
    }

    /// Goes on above what a receiver says that it accepted from this sender: in an authentic refusal of a message of
    /// this sender that is still unanswered, with code `staleEpoch` or `replayed` (T13).
    /// - Returns: true if the epoch grew: it is to be stored, and what was refused is to be sent again. False for a
    ///   view that this sender is past, as after a datagram that the network repeated; and where no higher epoch is
    ///   left.
    public mutating func catchUp(with view: MessageReference) -> Bool {
        guard view > last, view.epoch < .max else { return false }
        last = MessageReference(epoch: view.epoch + 1, sequence: 0)
        return true
    }
}

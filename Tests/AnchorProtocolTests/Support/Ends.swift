import AnchorProtocol

/// A replay window by reference, so that it can be used within an expectation.
final class Receiver {
    private(set) var window: ReplayWindow

    init(_ window: ReplayWindow = ReplayWindow()) { self.window = window }

    func accept(_ message: MessageReference) -> ReplayVerdict { window.accept(message) }
}

/// A sender's numbering by reference.
final class Sender {
    private var sequence: SenderSequence

    init(epoch: UInt32) { sequence = SenderSequence(epoch: epoch) }

    var epoch: UInt32 { sequence.epoch }
    func next() -> MessageReference { sequence.next() }
    func catchUp(with view: MessageReference) -> Bool { sequence.catchUp(with: view) }
}

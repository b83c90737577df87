import AnchorProtocol
import Testing

@Suite struct SenderSequenceTests {
    @Test func `each message has the next number`() {
        let sequence = Sender(epoch: 4)
        #expect(sequence.next() == MessageReference(epoch: 4, sequence: 1))
        #expect(sequence.next() == MessageReference(epoch: 4, sequence: 2))
    }

    /// A node that lost its stored epoch begins at 1 while the router is at 9 (T13).
    @Test func `a sender that is behind catches up by what it is told`() throws {
        let receiver = Receiver(ReplayWindow(restoring: MessageReference(epoch: 9, sequence: 77)))
        let sender = Sender(epoch: 1)
        let verdict = receiver.accept(sender.next())
        let view = try #require(verdict.refusal?.view)
        #expect(sender.catchUp(with: view))
        #expect(sender.epoch == 10)
        #expect(receiver.accept(sender.next()) == .fresh)
    }

    @Test func `a sender that forgot its sequence within the epoch catches up as well`() {
        let receiver = Receiver(ReplayWindow(restoring: MessageReference(epoch: 9, sequence: 77)))
        let sender = Sender(epoch: 9)
        guard case .replayed(let view) = receiver.accept(sender.next()) else { return #expect(Bool(false)) }
        #expect(sender.catchUp(with: view))
        #expect(receiver.accept(sender.next()) == .fresh)
    }

    @Test func `the refusal of a datagram that the network repeated changes nothing`() {
        let receiver = Receiver()
        let sender = Sender(epoch: 2)
        let first = sender.next()
        _ = receiver.accept(first)
        guard case .replayed(let view) = receiver.accept(first) else { return #expect(Bool(false)) }
        #expect(!sender.catchUp(with: view))
        #expect(sender.epoch == 2)
    }

    @Test func `an old refusal that comes late changes nothing`() {
        let sender = Sender(epoch: 10)
        #expect(!sender.catchUp(with: MessageReference(epoch: 9, sequence: 4000)))
        #expect(sender.next() == MessageReference(epoch: 10, sequence: 1))
    }

    @Test func `behind the last epoch there is none`() {
        let sender = Sender(epoch: 10)
        #expect(!sender.catchUp(with: MessageReference(epoch: .max, sequence: 1)))
        #expect(sender.epoch == 10)
    }
}

import AnchorProtocol
import Testing

@Suite struct ReplayWindowTests {
    private func message(_ epoch: UInt32, _ sequence: UInt32) -> MessageReference {
        MessageReference(epoch: epoch, sequence: sequence)
    }

    @Test func `each message is fresh once, in any order within the window`() {
        let receiver = Receiver()
        for sequence: UInt32 in [5, 3, 68, 9, 6, 67] {
            #expect(receiver.accept(message(1, sequence)) == .fresh)
            #expect(receiver.accept(message(1, sequence)) == .replayed(receiver.window.newest!))
        }
        #expect(receiver.window.newest == message(1, 68))
    }

    @Test func `what lies behind the window is refused though it may be new`() {
        let receiver = Receiver()
        _ = receiver.accept(message(1, 100))
        #expect(receiver.window.verdict(on: message(1, 37)) == .fresh)
        #expect(receiver.window.verdict(on: message(1, 36)) == .replayed(message(1, 100)))
    }

    @Test func `a jump of the whole window and more forgets what is behind`() {
        for jump: UInt32 in [63, 64, 65, 1 << 31] {
            let receiver = Receiver()
            _ = receiver.accept(message(1, 1))
            #expect(receiver.accept(message(1, 1 + jump)) == .fresh)
            #expect(receiver.accept(message(1, 1)) == .replayed(message(1, 1 + jump)))
            #expect(receiver.accept(message(1, jump)) == .fresh)
        }
    }

    @Test func `a higher epoch begins anew and lower ones are stale`() {
        let receiver = Receiver()
        _ = receiver.accept(message(2, 900))
        #expect(receiver.accept(message(3, 1)) == .fresh)
        #expect(receiver.accept(message(2, 901)) == .staleEpoch(message(3, 1)))
        #expect(receiver.accept(message(3, 1)) == .replayed(message(3, 1)))
    }

    @Test func `after a restart nothing up to the stored message is accepted`() {
        let receiver = Receiver(ReplayWindow(restoring: message(4, 200)))
        for sequence: UInt32 in 0...200 {
            #expect(receiver.accept(message(4, sequence)) == .replayed(message(4, 200)))
        }
        #expect(receiver.accept(message(3, 4000)) == .staleEpoch(message(4, 200)))
        #expect(receiver.accept(message(4, 202)) == .fresh)
        #expect(receiver.accept(message(4, 201)) == .fresh)
        #expect(receiver.accept(message(4, 200)) == .replayed(message(4, 202)))
    }

    @Test func `a verdict changes nothing`() {
        let receiver = Receiver()
        _ = receiver.accept(message(1, 1))
        let before = receiver.window
        _ = receiver.window.verdict(on: message(9, 9))
        #expect(receiver.window == before)
    }

    @Test func `the ends of the number range are ordinary numbers`() {
        let receiver = Receiver()
        #expect(receiver.accept(message(.max, 0)) == .fresh)
        #expect(receiver.accept(message(.max, .max)) == .fresh)
        #expect(receiver.accept(message(.max, .max - 63)) == .fresh)
        #expect(receiver.accept(message(.max, .max - 64)) == .replayed(message(.max, .max)))
    }

    @Test func `it agrees with a set of everything that was accepted`() {
        var random = Random.announced("replay window")
        for _ in 0..<200 {
            let receiver = Receiver()
            var accepted: Set<MessageReference> = []
            var newest: MessageReference?
            var centre: UInt32 = 100
            for _ in 0..<300 {
                if random.count(0...20) == 0 { centre &+= UInt32(random.count(0...200)) }
                let epoch = UInt32(random.count(1...2))
                let one = message(epoch, centre &+ UInt32(random.count(0...90)))
                let expected: Bool =
                    if let newest {
                        one.epoch > newest.epoch
                            || one.epoch == newest.epoch && !accepted.contains(one)
                                && (one.sequence > newest.sequence || newest.sequence - one.sequence < 64)
                    } else {
                        true
                    }
                #expect((receiver.accept(one) == .fresh) == expected)
                if expected {
                    accepted.insert(one)
                    newest = max(newest ?? one, one)
                }
                #expect(receiver.window.newest == newest)
            }
        }
    }

    @Test func `a refusal names its code and the receiver's view`() {
        #expect(ReplayVerdict.fresh.refusal == nil)
        #expect(ReplayVerdict.replayed(message(1, 2)).refusal! == (.replayed, message(1, 2)))
        #expect(ReplayVerdict.staleEpoch(message(1, 2)).refusal! == (.staleEpoch, message(1, 2)))
    }
}

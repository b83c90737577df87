import Testing

@testable import AnchorPeering

@Suite struct PairRuleTests {
    /// What is left at one end after connections came up there in some order: the place of the one that stays.
    private func survivor(_ order: [Int], openedByFirst: [Bool], isFirst: Bool) -> Int {
        let (own, peer) = isFirst ? ("a", "b") : ("b", "a")
        func seen(_ place: Int) -> PairRule.Connection {
            PairRule.Connection(isOpenedHere: openedByFirst[place] == isFirst, boot: 1)
        }
        return order.dropFirst().reduce(order[0]) { old, new in
            PairRule.newStays(seen(new), insteadOf: seen(old), own: own, peer: peer) ? new : old
        }
    }

    @Test func `both ends keep the same of two simultaneous connections, in whatever order they see them`() {
        for openedByFirst in [[true, false], [false, true]] {
            let answers = [[0, 1], [1, 0]].flatMap { order in
                [true, false].map { survivor(order, openedByFirst: openedByFirst, isFirst: $0) }
            }
            #expect(Set(answers) == [openedByFirst.firstIndex(of: true)!], "\(openedByFirst)")
        }
    }

    @Test func `a peer that has started anew takes the place of what it was`() {
        let old = PairRule.Connection(isOpenedHere: true, boot: 1)
        let new = PairRule.Connection(isOpenedHere: false, boot: 2)
        #expect(PairRule.newStays(new, insteadOf: old, own: "a", peer: "b"))
    }

    @Test func `who opens a second connection has given the first one up`() {
        let one = PairRule.Connection(isOpenedHere: false, boot: 1)
        #expect(PairRule.newStays(one, insteadOf: one, own: "a", peer: "b"))
        #expect(PairRule.newStays(one, insteadOf: one, own: "b", peer: "a"))
    }
}

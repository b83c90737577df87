import Testing

@testable import NetworkLab

@Suite("Pace of a steady source")
struct PaceTests {
    /// Sends what may be sent at each moment, in nanoseconds.
    private static func run(_ pace: inout Pace, _ sent: inout UInt64, at moments: [UInt64]) -> [UInt64] {
        moments.map { moment in
            let limit = pace.limit(sent: sent, after: moment)
            defer { sent = limit }
            return limit - sent
        }
    }

    @Test("sends what is due, no more")
    func due() {
        var pace = Pace(rate: 50_000)
        var sent: UInt64 = 0
        let steps = Self.run(&pace, &sent, at: (1...5000).map { $0 * 200_000 })
        #expect(sent == 50_000)
        #expect(steps.allSatisfy { $0 == 10 })
    }

    @Test("makes up for a stall in small bursts, at twice the rate")
    func stall() {
        var pace = Pace(rate: 50_000)
        var sent: UInt64 = 0
        let back: UInt64 = 20_000_000
        #expect(Self.run(&pace, &sent, at: [back]) == [48])
        let next = Self.run(&pace, &sent, at: (1...200).map { back + $0 * 200_000 })
        #expect(next.max() == 20)
        #expect(sent == (back + 200 * 200_000) / 20_000)
    }
}

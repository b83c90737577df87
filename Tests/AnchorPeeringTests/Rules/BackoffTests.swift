import AnchorCore
import Testing

@testable import AnchorPeering

@Suite struct BackoffTests {
    @Test func `pauses grow to their bound, are jittered, and begin anew after a session`() {
        var limits = PeeringLimits()
        limits.shortestPause = .milliseconds(100)
        limits.longestPause = .seconds(2)
        for seed in 0..<50 as Range<UInt64> {
            var backoff = Backoff(limits, seed: seed)
            let wanted = [100, 200, 400, 800, 1600, 2000, 2000, 2000]
            for milliseconds in wanted {
                let pause = backoff.pause().nanoseconds / 1_000_000
                #expect((milliseconds * 3 / 4...milliseconds * 5 / 4).contains(Int(pause)), "\(seed)")
            }
            backoff.reset()
            #expect(backoff.pause() <= .milliseconds(125))
        }
        let first = (0..<50 as Range<UInt64>).map { seed in
            var backoff = Backoff(limits, seed: seed)
            return backoff.pause()
        }
        #expect(Set(first).count > 40)
    }
}

import AnchorCore

/// How long to wait before the next attempt: twice as long each time, within bounds, jittered so that routers that lost
/// each other at the same moment do not march in step.
struct Backoff {
    private let shortest: TimeSpan
    private let longest: TimeSpan
    private var random: SeededRandom
    private var next: TimeSpan

    init(_ limits: PeeringLimits, seed: UInt64) {
        shortest = limits.shortestPause
        longest = limits.longestPause
        random = SeededRandom(seed: seed)
        next = shortest
    }

    /// The pause before the next attempt.
    mutating func pause() -> TimeSpan {
        let pause = random.jittered(next)
        next = min(longest, next * 2)
        return pause
    }

    /// After a session that was worth the name.
    mutating func reset() { next = shortest }
}

/// Pseudo-random numbers from a seed (splitmix64). Its user supplies the seed, so that a run can be repeated. Not
/// for secrets: jitter only.
public struct SeededRandom: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }

    /// A span between three quarters and five quarters of the one given, so that nodes do not march in step.
    public mutating func jittered(_ span: TimeSpan) -> TimeSpan {
        let half = max(1, span.nanoseconds / 2)
        return TimeSpan(nanoseconds: span.nanoseconds - half / 2 + Int64(next() % UInt64(half)))
    }
}

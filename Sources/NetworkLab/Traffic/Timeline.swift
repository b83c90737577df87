/// What was done when, so that a loss can be said to have come so long after it.
struct Timeline {
    private var steps: [(what: String, time: UInt64)] = []

    /// From now on, it is what happened last.
    mutating func note(_ what: String) { steps.append((what, monotonicNanoseconds())) }

    /// In words, beginning with a comma; empty before the first step.
    /// - Parameter time: nanoseconds of CLOCK_MONOTONIC.
    func place(_ time: UInt64) -> String {
        guard let step = steps.last(where: { $0.time <= time }) else { return "" }
        return ", \((time - step.time) / 1_000_000) ms after \(step.what)"
    }
}

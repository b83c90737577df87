import AnchorCore

/// The one source of randomness of a simulation.
struct Chance {
    var random: SeededRandom

    init(seed: UInt64) { random = SeededRandom(seed: seed) }

    /// True in so many of a thousand cases.
    mutating func isHit(perMille: Int) -> Bool { Int(random.next() % 1000) < perMille }

    mutating func number(in range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(random.next() % UInt64(range.count))
    }

    mutating func pick<T>(_ choices: [T]) -> T? {
        choices.isEmpty ? nil : choices[number(in: 0...choices.count - 1)]
    }

    mutating func microseconds(_ range: ClosedRange<Int>) -> TimeSpan { .microseconds(number(in: range)) }
    mutating func milliseconds(_ range: ClosedRange<Int>) -> TimeSpan {
        .microseconds(number(in: range.lowerBound * 1000...range.upperBound * 1000))
    }
}

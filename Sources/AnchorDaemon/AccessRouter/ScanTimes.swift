import AnchorCore

/// How long it takes to look at all hosts for signs of life, which is done in turns.
struct ScanTimes {
    /// Of the last one that is complete: what all of its turns took together.
    private(set) var last = TimeSpan.zero
    /// The longest turn since the start.
    private(set) var longestTurn = TimeSpan.zero
    /// The longest of all that were complete.
    private(set) var longest = TimeSpan.zero
    private(set) var isUnderWay = false
    private var current = TimeSpan.zero

    mutating func begin() {
        isUnderWay = true
        current = .zero
    }

    mutating func took(_ span: TimeSpan, isLast: Bool) {
        current = current + span
        longestTurn = max(longestTurn, span)
        guard isLast else { return }
        last = current
        longest = max(longest, current)
        isUnderWay = false
    }
}

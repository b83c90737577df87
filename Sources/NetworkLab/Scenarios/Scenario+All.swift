extension Scenario {
    /// All that there are, in the order of the rows.
    public static let all: [Scenario] = [serverControl]
}

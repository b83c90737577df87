import NetworkTypes

/// One thing that a scenario looked at.
public struct Check: Codable, Hashable, Sendable {
    public var name: String
    public var passed: Bool
    /// What was seen.
    public var detail: String

    public init(name: String, passed: Bool, detail: String) {
        self.name = name
        self.passed = passed
        self.detail = detail
    }
}

/// What came of a scenario in one address family.
public struct ScenarioResult: Codable, Sendable {
    public var scenario: String
    /// 4 or 6.
    public var family: AddressFamily
    public var passed: Bool
    public var seconds: Double
    public var checks: [Check]
}

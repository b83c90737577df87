/// A measured figure, with what it is held against.
public struct Figure: Codable, Hashable, Sendable {
    public var name: String
    public var value: Double
    public var unit: String
    /// What it is compared with, measured in the same run, in the same unit.
    public var reference: Double?
    /// Value by reference.
    public var ratio: Double?
    /// What is to be reached, of the ratio where there is one and of the value otherwise.
    public var target: String?
    public var met: Bool?

    /// A figure by itself.
    public init(_ name: String, _ value: Double, _ unit: String, atMost limit: Double? = nil) {
        (self.name, self.value, self.unit) = (name, value, unit)
        if let limit {
            target = "≤ \(limit)"
            met = value <= limit
        }
    }

    /// A figure by itself that is to be reached or exceeded.
    public init(_ name: String, _ value: Double, _ unit: String, atLeast limit: Double) {
        (self.name, self.value, self.unit) = (name, value, unit)
        target = "≥ \(limit)"
        met = value >= limit
    }

    /// A figure held against a reference that it is not to exceed by more than this, where there is a limit.
    public init(_ name: String, _ value: Double, _ unit: String, reference: Double, ratioAtMost limit: Double?) {
        (self.name, self.value, self.unit, self.reference) = (name, value, unit, reference)
        let ratio = reference > 0 ? value / reference : 0
        self.ratio = ratio
        target = limit.map { "≤ \($0)" }
        met = limit.map { ratio <= $0 }
    }

    /// A figure held against a reference.
    public init(_ name: String, _ value: Double, _ unit: String, reference: Double, ratioAtLeast limit: Double) {
        (self.name, self.value, self.unit, self.reference) = (name, value, unit, reference)
        let ratio = reference > 0 ? value / reference : 0
        self.ratio = ratio
        target = "≥ \(limit)"
        met = ratio >= limit
    }
}

/// Something that is measured in a lab.
public struct LabBench: Sendable {
    public let name: String
    public let summary: String
    let body: @Sendable (_ log: (String) -> Void) throws -> [Figure]

    public static let all = [
        interruption, makeBeforeBreak, roaming, roamingCrowded, roamingLoss, transfer, handoverRate, flowMemory,
        throughput,
    ]

    public func run(log: (String) -> Void) throws -> [Figure] { try body(log) }

    /// A value below which so many hundredths of the values are.
    public static func percentile(_ values: [Double], _ percent: Int) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .infinity }
        return sorted[min(sorted.count - 1, (sorted.count * percent + 99) / 100 - 1)]
    }
}

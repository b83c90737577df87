import NetworkTypes

/// A row of the packet walks, or a control, that can be run.
public struct Scenario: Sendable {
    /// Name of the row, such as `A2`.
    public let name: String
    public let summary: String
    let body: @Sendable (ScenarioRun) throws -> Void

    init(_ name: String, _ summary: String, _ body: @escaping @Sendable (ScenarioRun) throws -> Void) {
        self.name = name
        self.summary = summary
        self.body = body
    }

    /// - Parameter names: in any case; none for all scenarios.
    /// - Throws: ``LabError/unknownScenario(_:known:)``.
    public static func named(_ names: [String]) throws -> [Scenario] {
        guard !names.isEmpty else { return all }
        return try names.map { name in
            guard let scenario = all.first(where: { $0.name.lowercased() == name.lowercased() }) else {
                throw LabError.unknownScenario(name, known: all.map(\.name))
            }
            return scenario
        }
    }

    /// Runs it in a lab of its own, which is gone afterwards.
    /// - Parameters:
    ///   - pcapFolder: where the captures stay; `nil` to remove them with the lab.
    ///   - report: called with each check as it is made.
    public func run(
        _ family: AddressFamily, pcapFolder: String? = nil, report: @escaping (Check) -> Void = { _ in }
    ) -> ScenarioResult {
        let clock = ContinuousClock()
        let start = clock.now
        let run = ScenarioRun(scenario: name, family: family, pcapFolder: pcapFolder, report: report)
        do {
            try body(run)
            if run.checks.isEmpty { run.check("looks at something", false, "the scenario made no check") }
        } catch {
            run.check("runs to its end", false, "\(error)")
        }
        run.close()
        let elapsed = (clock.now - start).components
        return ScenarioResult(
            scenario: name, family: family, passed: run.checks.allSatisfy(\.passed),
            seconds: Double(elapsed.seconds) + Double(elapsed.attoseconds / 1_000_000_000_000_000) / 1000,
            checks: run.checks)
    }
}

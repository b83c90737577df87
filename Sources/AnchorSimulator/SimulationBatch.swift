import AnchorCore

/// Simulations of many seeds, as many at once as there are cores.
public struct SimulationBatch: Sendable {
    public let seeds: [UInt64]
    public var isTracing = false
    /// Changes each scenario, to plant a bug.
    public var adjust: @Sendable (inout Scenario) -> Void = { _ in }
    /// Stops at the first failure.
    public var stopsEarly = false

    /// So many seeds from that one on; or the one that `FLOWANCHOR_SEED` names, to see a failure again.
    public init(first: UInt64, count: Int, environment: [String: String]) {
        let replayed = environment["FLOWANCHOR_SEED"].flatMap { UInt64($0) }
        self.init(first: replayed ?? first, count: replayed == nil ? count : 1, isTracing: replayed != nil)
    }

    public init(first: UInt64, count: Int, isTracing: Bool = false) {
        seeds = (0..<UInt64(max(0, count))).map { first &+ $0 }
        self.isTracing = isTracing
    }

    /// What came out.
    public struct Outcome: Sendable {
        public var runs = 0
        /// One text a failed seed: the violations and how to see it again.
        public var failures: [String] = []
        public var failedSeeds: [UInt64] = []
        public var traces: [String] = []
        public var statistics = Simulation.Statistics()

        public var summary: String {
            "\(runs) runs, \(failures.count) failed: \(statistics.moves) moves, \(statistics.crashes) crashes, "
                + "\(statistics.datagrams) datagrams, \(statistics.flows) flows (\(statistics.lostFlows) lost with "
                + "their leases), \(statistics.walks) packets of which \(statistics.delivered) arrived"
        }
    }

    public func run() async -> Outcome {
        let lanes = 4
        return await withTaskGroup(of: Outcome.self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    var outcome = Outcome()
                    for index in stride(from: lane, to: seeds.count, by: lanes) {
                        if stopsEarly, !outcome.failures.isEmpty { break }
                        runOne(seeds[index], &outcome)
                    }
                    return outcome
                }
            }
            var all = Outcome()
            for await part in group { all.add(part) }
            return all
        }
    }

    private func runOne(_ seed: UInt64, _ outcome: inout Outcome) {
        var scenario = Scenario(seed: seed)
        adjust(&scenario)
        let simulation = Simulation(scenario)
        simulation.isTracing = isTracing
        simulation.run()
        outcome.runs += 1
        outcome.statistics.add(simulation.statistics)
        if isTracing { outcome.traces += simulation.trace }
        guard !simulation.violations.isEmpty else { return }
        outcome.failedSeeds.append(seed)
        outcome.failures.append(
            """
            seed \(seed): \(simulation.violations.joined(separator: "\n  "))
              to see it again: anchor-simulate run --first \(seed) --seeds 1 --trace, \
            or FLOWANCHOR_SEED=\(seed) swift test --filter AnchorSimulatorTests
            """)
    }
}

extension SimulationBatch.Outcome {
    mutating func add(_ other: Self) {
        runs += other.runs
        failures += other.failures
        failedSeeds += other.failedSeeds
        traces += other.traces
        statistics.add(other.statistics)
    }
}

extension Simulation.Statistics {
    mutating func add(_ other: Self) {
        datagrams += other.datagrams
        moves += other.moves
        crashes += other.crashes
        walks += other.walks
        delivered += other.delivered
        flows += other.flows
        lostFlows += other.lostFlows
    }
}

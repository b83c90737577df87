/// Simulations of roaming hosts of many seeds, some at once.
public struct RoamingBatch: Sendable {
    public let seeds: [UInt64]
    public var isTracing = false
    /// Changes each scenario, to plant a bug.
    public var adjust: @Sendable (inout RoamingScenario) -> Void = { _ in }
    /// Stops at the first failure.
    public var stopsEarly = false

    /// So many seeds from that one on; or the one that `FLOWANCHOR_SEED` names, to see a failure again.
    public init(first: UInt64, count: Int, environment: [String: String] = [:]) {
        let replayed = environment["FLOWANCHOR_SEED"].flatMap { UInt64($0) }
        seeds = (0..<UInt64(replayed == nil ? max(0, count) : 1)).map { (replayed ?? first) &+ $0 }
        isTracing = replayed != nil
    }

    /// What came out.
    public struct Outcome: Sendable {
        public var runs = 0
        /// One text a failed seed: the violations and how to see it again.
        public var failures: [String] = []
        public var failedSeeds: [UInt64] = []
        public var traces: [String] = []
        public var statistics = RoamingSimulation.Statistics()

        public var summary: String {
            let all = statistics
            return "\(runs) runs, \(failures.count) failed: \(all.moves) moves, \(all.handovers) handovers, "
                + "\(all.crashes) crashes, \(all.outages) outages, \(all.messages) messages, \(all.flows) flows "
                + "(\(all.excusedFlows) excused), \(all.packets) packets: \(all.delivered) arrived, \(all.dropped) "
                + "dropped, \(all.passedOn) passed on, \(all.returned) returned"
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
        var scenario = RoamingScenario(seed: seed)
        adjust(&scenario)
        let simulation = RoamingSimulation(scenario)
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
              to see it again: FLOWANCHOR_SEED=\(seed) swift test --filter RoamingSimulatorTests
            """)
    }
}

extension RoamingBatch.Outcome {
    mutating func add(_ other: Self) {
        runs += other.runs
        failures += other.failures
        failedSeeds += other.failedSeeds
        traces += other.traces
        statistics.add(other.statistics)
    }
}

extension RoamingSimulation.Statistics {
    mutating func add(_ other: Self) {
        moves += other.moves
        handovers += other.handovers
        messages += other.messages
        packets += other.packets
        delivered += other.delivered
        dropped += other.dropped
        returned += other.returned
        passedOn += other.passedOn
        flows += other.flows
        excusedFlows += other.excusedFlows
        crashes += other.crashes
        outages += other.outages
    }
}

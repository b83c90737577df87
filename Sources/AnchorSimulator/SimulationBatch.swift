import AnchorCore

/// Simulations of mode A of many seeds.
public typealias SimulationBatch = SeededBatch<Simulation>

extension Simulation: SeededSimulation {
    public static func plan(seed: UInt64) -> Scenario { Scenario(seed: seed) }

    public static func replay(seed: UInt64) -> String {
        "anchor-simulate run --first \(seed) --seeds 1 --trace, "
            + "or FLOWANCHOR_SEED=\(seed) swift test --filter AnchorSimulatorTests"
    }
}

extension SeededBatch<Simulation>.Outcome {
    public var summary: String {
        "\(runs) runs, \(failures.count) failed: \(statistics.moves) moves, \(statistics.crashes) crashes, "
            + "\(statistics.datagrams) datagrams, \(statistics.flows) flows (\(statistics.lostFlows) lost with "
            + "their leases), \(statistics.walks) packets of which \(statistics.delivered) arrived"
    }
}

extension Simulation.Statistics: SimulationStatistics {
    public mutating func add(_ other: Self) {
        datagrams += other.datagrams
        moves += other.moves
        crashes += other.crashes
        walks += other.walks
        delivered += other.delivered
        flows += other.flows
        lostFlows += other.lostFlows
    }
}

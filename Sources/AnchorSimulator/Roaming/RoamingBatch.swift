/// Simulations of roaming hosts of many seeds.
public typealias RoamingBatch = SeededBatch<RoamingSimulation>

extension RoamingSimulation: SeededSimulation {
    public static func plan(seed: UInt64) -> RoamingScenario { RoamingScenario(seed: seed) }

    public static func replay(seed: UInt64) -> String {
        "FLOWANCHOR_SEED=\(seed) swift test --filter RoamingSimulatorTests"
    }
}

extension SeededBatch<RoamingSimulation>.Outcome {
    public var summary: String {
        let all = statistics
        return "\(runs) runs, \(failures.count) failed: \(all.moves) moves, \(all.handovers) handovers, "
            + "\(all.crashes) crashes, \(all.outages) outages, \(all.messages) messages, \(all.flows) flows "
            + "(\(all.excusedFlows) excused), \(all.packets) packets: \(all.delivered) arrived, \(all.dropped) "
            + "dropped, \(all.passedOn) passed on, \(all.returned) returned"
    }
}

extension RoamingSimulation.Statistics: SimulationStatistics {
    public mutating func add(_ other: Self) {
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

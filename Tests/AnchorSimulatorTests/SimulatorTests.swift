import AnchorSimulator
import Foundation
import Testing

@Suite struct SimulatorTests {
    @Test func `a thousand networks that lose, reorder, partition and crash keep every flow on its anchor`() async {
        let environment = ProcessInfo.processInfo.environment
        let batch = SimulationBatch(first: 1, count: 1000, environment: environment)
        let outcome = await batch.run()
        if batch.isTracing { print(outcome.traces.joined(separator: "\n")) }
        print(outcome.summary)
        #expect(outcome.failures.isEmpty, "\(outcome.failures.joined(separator: "\n"))")
        #expect(outcome.runs == batch.seeds.count)
    }

    @Test func `the same seed makes the same run`() {
        let runs = (0..<2).map { _ in
            let simulation = Simulation(Scenario(seed: 7))
            simulation.isTracing = true
            simulation.run()
            return simulation.trace
        }
        #expect(runs[0] == runs[1])
        #expect(runs[0].count > 100)
    }

    @Test func `a failing seed is named together with the way to see it again`() async {
        var batch = SimulationBatch(first: 3, count: 1)
        batch.adjust = { $0.tampering.serversSeeForeignTunnels = true }
        batch.adjust = { scenario in
            scenario.tampering.routerAction = { if case .remove = $0 { nil } else { $0 } }
        }
        let outcome = await batch.run()
        #expect(outcome.failedSeeds == [3])
        #expect(outcome.failures[0].contains("anchor-simulate run --first 3 --seeds 1"))
    }
}

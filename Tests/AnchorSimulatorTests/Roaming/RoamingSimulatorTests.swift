import AnchorSimulator
import Foundation
import Testing

@Suite struct RoamingSimulatorTests {
    @Test func `a thousand networks of roaming hosts keep every flow at its anchor, and agree in the end`() async {
        let batch = RoamingBatch(first: 1, count: 1000, environment: ProcessInfo.processInfo.environment)
        let outcome = await batch.run()
        if batch.isTracing { print(outcome.traces.joined(separator: "\n")) }
        print(outcome.summary)
        #expect(outcome.failures.isEmpty, "\(outcome.failures.prefix(10).joined(separator: "\n"))")
        #expect(outcome.runs == batch.seeds.count)
    }

    @Test func `the same seed makes the same run of roaming hosts`() {
        let runs = (0..<2).map { _ in
            let simulation = RoamingSimulation(RoamingScenario(seed: 11))
            simulation.isTracing = true
            simulation.run()
            return simulation.trace
        }
        #expect(runs[0] == runs[1])
        #expect(runs[0].count > 100)
    }
}

import AnchorSimulator
import Testing

#if canImport(Glibc)
    import Glibc
#endif

@Suite struct SimulatorTests {
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
}

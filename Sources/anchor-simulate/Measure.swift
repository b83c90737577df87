import AnchorSimulator
import ArgumentParser

struct Measure: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measure location updates a second on one core: authenticate, decide, record, acknowledge.")

    @Option(help: "How many nodes, each with one address.")
    var nodes = 10_000

    @Option(help: "How many updates.")
    var updates = 100_000

    func run() throws {
        let result = try LocationUpdateMeasurement(nodes: nodes, updates: updates).run(clock: ContinuousClock())
        print(result)
    }
}

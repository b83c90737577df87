import AnchorSimulator
import ArgumentParser

/// Runs simulations of the control plane from seeds, on all cores, and shows the one that failed.
@main
struct Simulate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchor-simulate",
        abstract: "Simulate routers, mobile nodes and a bad network, and check that every invariant holds.",
        subcommands: [Run.self, Measure.self], defaultSubcommand: Run.self)
}

struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Run simulations, one for each seed.")

    @Option(help: "How many seeds to run.")
    var seeds = 1000

    @Option(help: "The first seed; with --seeds 1 the one to replay.")
    var first: UInt64 = 1

    @Flag(help: "Print what happens in each run.")
    var trace = false

    func run() async throws {
        let outcome = await SimulationBatch(first: first, count: seeds, isTracing: trace).run()
        if trace { for line in outcome.traces { print(line) } }
        for failure in outcome.failures { print(failure) }
        print(outcome.summary)
        if !outcome.failures.isEmpty { throw ExitCode(1) }
    }
}

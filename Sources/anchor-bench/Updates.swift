import ArgumentParser
import NetworkLab

/// A daemon that anchors many nodes, all of which move at once: updates that are authenticated, stored, in the map
/// and acknowledged. The leases are in its journal from the start, as after a restart.
struct Updates: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Location updates of many nodes at one anchor.")

    @Option(help: "Number of nodes.") var count = 20_000
    @Option(help: "How often each of them moves.") var rounds = 5

    func run() throws {
        let stage = try UpdateStage(nodes: count)
        defer { stage.remove() }
        try stage.writeJournal(leases: count)
        let started = ContinuousClock.now
        try stage.start()
        let startup = (ContinuousClock.now - started).inSeconds
        let load = try UpdateLoad(stage)
        let before = stage.processorSeconds
        let begun = ContinuousClock.now
        for round in 1...rounds { try load.run(round: UInt32(round)) }
        let elapsed = (ContinuousClock.now - begun).inSeconds
        let updates = Double(count * rounds)
        let used = stage.processorSeconds - before
        // The journal was written anew meanwhile: nothing is lost.
        stage.kill()
        try stage.start()
        let restored = try stage.metric("flowanchor_leases{place=\"tunnelled\"}")
        guard Int(restored) == count else { throw ValidationError("\(Int(restored)) of \(count) moves were stored") }
        try AnchorBench.print([
            Figure("location updates at one anchor", updates / elapsed, "1/s"),
            Figure("location updates at one anchor, a core", updates / used, "1/s", atLeast: 20_000),
            Figure("start of a daemon with \(count) leases", startup, "s"),
        ])
    }
}

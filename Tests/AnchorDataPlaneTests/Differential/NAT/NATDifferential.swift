import BPFKit
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// The model's NAT and the programs', side by side.
final class NATDifferential {
    static let packetsPerWorld = 2000

    private let seed: UInt64
    private let instance: KernelInstance
    let kernel: KernelDataPlane
    /// Its NAT, as large as the world has it.
    private(set) var nat: NATTable
    let model = ModelDataPlane()
    private let programs: [PortIndex: LoadedProgram]
    private let secret: (UInt64, UInt64)
    var random: RandomLayers
    var generator: Splitmix
    var world: NATWorld
    var packets: NATPackets
    private var number = 0
    /// Those that subscribers have, or had.
    var blocks: [PortBlock] = []
    var known: Set<ModelNAT.Tuple> = []
    private var unanswered: UInt64 = 0
    private var coverage = NATCoverage()
    private(set) var disagreements = 0

    init(seed: UInt64) throws {
        self.seed = seed
        instance = try KernelInstance("nat-differential", nat: NATWorld.capacity)
        let kernel = try #require(instance.dataPlane)
        self.kernel = kernel
        nat = kernel.nat
        random = RandomLayers(seed: seed)
        world = NATWorld(&random)
        packets = NATPackets(seed: seed)
        // The same in each run, before anything is in a table: it chooses ports and places.
        generator = Splitmix(seed: seed)
        secret = (generator.next(), generator.next())
        kernel.maps.config[0].hash_secret = secret
        try DifferentialWorld.make(in: kernel)
        try DifferentialWorld.make(in: model)
        programs = try DifferentialWorld.ports.reduce(into: [:]) { programs, index in
            let port = try #require(kernel.port(index))
            let loaded = try kernel.load(index, port)
            programs[index] = LoadedProgram(try loaded.program(port.role.programs[0]))
        }
        _ = (try kernel.takeTraces(), model.takeTraces())
    }

    /// Nothing is left of the former one but what hosts have counted.
    func enterWorld() throws {
        compareBlocks()
        let fragments = model.tables.withLock { $0.nat.fragments.places }
        world = NATWorld(&random)
        try world.make(in: model, secret: secret)
        nat = try world.make(in: kernel, clearing: fragments)
        packets.forget()
        known = []
        blocks = world.subscribers.flatMap(\.blocks)
    }

    func next() throws {
        let (index, frame) = packets.next()
        let expected = model.process(frame, on: index)
        let run = try programs[index]!.program.testRun(frame)
        number += 1
        tellFlows()
        coverage.see(frame, expected, in: world)
        if DifferentialTests.isUnanswered(expected, run.verdict) {
            unanswered += 1
            return
        }
        let isSame =
            run.verdict == DifferentialTests.number(expected.verdict)
            && (expected.verdict == .drop || run.packet == expected.bytes || isKnownToDiffer(frame, index, expected))
        if isSame { return }
        record(
            """
            on port \(index) (\(kernel.port(index)!.role)):
            frame    \(dissected(frame))
                     \(hex(frame))
            model    \(expected.verdict) \(expected.reason?.name ?? "-") \(dissected(expected.bytes))
                     \(hex(expected.bytes))
            programs \(run.verdict) \(dissected(run.packet))
                     \(hex(run.packet))
            """)
    }

    /// Answers that quote another packet than their sender has sent, and are not compared until the programs do better:
    /// to one that came for an inside address itself.
    private func isKnownToDiffer(_ frame: [UInt8], _ index: PortIndex, _ outcome: ModelOutcome) -> Bool {
        guard outcome.reason?.name == "icmp_too_big", let header = try? ModelPacket(frame).network else { return false }
        return index == DifferentialWorld.core && world.outside.number(of: header.destination) == nil
    }

    func record(_ text: String) {
        disagreements += 1
        Issue.record("packet \(number - 1) of seed \(seed), \(world): \(text)")
    }

    /// New flows, in an order that is the same in each run.
    private func tellFlows() {
        let new = model.tables.withLock { tables in
            tables.nat.flows.count == known.count
                ? [] : tables.nat.flows.filter { !known.contains($0.key) }.map { ($0.key, $0.value.outside) }
        }
        guard !new.isEmpty else { return }
        known.formUnion(new.map(\.0))
        packets.learn(
            new.map { NATPackets.Known(tuple: $0.0, outside: $0.1) }.sorted { "\($0.tuple)" < "\($1.tuple)" })
    }

    func compareTables() throws {
        let expected = model.natTrace()
        for flow in expected.flows.values where flow.up.isEmpty && flow.down == .packet {
            coverage.count(.answerFromOtherPort)
        }
        let found = kernel.takeNATTrace(buckets: world.buckets, blocks: blocks)
        if found != expected { record("tables:\n" + NATTrace.difference(found, expected)) }
        let (foundHosts, expectedHosts) = (try kernel.takeTraces(), model.takeTraces())
        if foundHosts != expectedHosts { record("hosts:\n" + different(foundHosts, expectedHosts)) }
    }

    /// Nothing is taken of a block, and no port is anybody's, that should not be.
    private func compareBlocks() {
        let found = kernel.nat.memory.inUse()
        let (mappings, taken) = model.tables.withLock { tables in
            (tables.nat.mappings.count, Set(tables.nat.ports.taken.filter { !$0.value.isEmpty }.map(\.key.block)))
        }
        if found.mappings != mappings { record("ports with mappings: model \(mappings), programs \(found.mappings)") }
        if found.blocks != taken { record("blocks with ports taken: model \(taken), programs \(found.blocks)") }
    }

    func compareCounters() throws {
        var counts = try kernel.reasonCounts()
        counts[Reason(name: "too_big")!]! -= unanswered
        counts[Reason(name: "icmp_too_big")!]! += unanswered
        var expected = try model.reasonCounts()
        let met = expected
        // No more than so many are handed to the daemon, and nobody takes them: the others are dropped as what they are.
        for name in ["source_unknown", "source_not_here", "hold_full"] {
            counts[Reason(name: "held")!]! += counts.removeValue(forKey: Reason(name: name)!)!
            expected[Reason(name: "held")!]! += expected.removeValue(forKey: Reason(name: name)!)!
        }
        for reason in Reason.all { #expect(counts[reason] == expected[reason], "\(reason)") }
        #expect(coverage.missing.isEmpty, "never met")
        let shared = ["held", "to_anchor", "passed_on", "returned"]
        let unmet = Reason.all.filter { met[$0] == 0 && ($0.name.hasPrefix("nat_") || shared.contains($0.name)) }
            .map(\.name)
        #expect(unmet.isEmpty, "never met: \(unmet)")
    }
}

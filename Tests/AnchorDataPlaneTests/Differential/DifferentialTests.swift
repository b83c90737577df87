import BPFKit
import Foundation
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// The model and the BPF programs, packet by packet on the same random input. `FLOWANCHOR_SEED` repeats a run,
/// `FLOWANCHOR_PACKETS` makes it longer.
@Suite(.kernel) struct DifferentialTests {
    static let environment = ProcessInfo.processInfo.environment
    static let seed = environment["FLOWANCHOR_SEED"].flatMap { UInt64($0) } ?? UInt64.random(in: 0...(.max))
    static let packets = environment["FLOWANCHOR_PACKETS"].flatMap { Int($0) } ?? 100_000

    /// What XDP says for the model's verdicts.
    static func number(_ verdict: ModelOutcome.Verdict) -> UInt32 {
        switch verdict {
        case .drop: 1
        case .pass: 2
        case .redirect: 4
        case .neighbour, .comesIn, .segmenter: .max  // never a router's
        }
    }

    /// The programs answer no more than so many packets a moment that are too big; the model knows no moments.
    static func isUnanswered(_ outcome: ModelOutcome, _ verdict: UInt32) -> Bool {
        outcome.reason?.name == "icmp_too_big" && verdict == 1
    }

    @Test func `model and programs agree on verdict, bytes, hosts and counters`() throws {
        print("differential test: FLOWANCHOR_SEED=\(Self.seed)")
        let instance = try KernelInstance("differential")
        let kernel = try #require(instance.dataPlane)
        let model = ModelDataPlane()
        try DifferentialWorld.make(in: kernel)
        try DifferentialWorld.make(in: model)
        var programs: [PortIndex: LoadedProgram] = [:]
        for index in DifferentialWorld.ports {
            let port = try #require(kernel.port(index))
            let loaded = try kernel.load(index, port)
            programs[index] = LoadedProgram(try loaded.program(port.role.programs[0]))
        }
        _ = (try kernel.takeTraces(), model.takeTraces())
        var packets = DifferentialPackets(seed: Self.seed)
        var unanswered: UInt64 = 0
        var disagreements = 0
        for number in 0..<Self.packets {
            if number % 100 == 99 {
                let (found, expected) = (try kernel.takeTraces(), model.takeTraces())
                if found != expected {
                    Issue.record("hosts before packet \(number) of seed \(Self.seed):\n\(different(found, expected))")
                    return
                }
            }
            let (index, frame) = packets.next()
            let expected = model.process(frame, on: index)
            let run = try programs[index]!.program.testRun(frame)
            if Self.isUnanswered(expected, run.verdict) {
                unanswered += 1
                continue
            }
            let isSame =
                run.verdict == Self.number(expected.verdict)
                && (expected.verdict == .drop || run.packet == expected.bytes)
            guard !isSame else { continue }
            disagreements += 1
            Issue.record(
                """
                packet \(number) of seed \(Self.seed) on port \(index) (\(kernel.port(index)!.role)):
                frame    \(hex(frame))
                model    \(expected.verdict) \(expected.reason?.name ?? "-") \(hex(expected.bytes))
                programs \(run.verdict) \(hex(run.packet))
                """)
            if disagreements >= 5 { return }
        }
        var counts = try kernel.reasonCounts()
        counts[Reason(name: "too_big")!]! -= unanswered
        counts[Reason(name: "icmp_too_big")!]! += unanswered
        let expected = try model.reasonCounts()
        for reason in Reason.all { #expect(counts[reason] == expected[reason], "\(reason)") }
        // Everything that a packet alone can bring about was met.
        let unmet = Reason.all.filter { expected[$0] == 0 && !$0.name.hasPrefix("nat_") }.map(\.name)
        let elsewhere = ["redirect_failed", "held", "hold_full", "to_anchor", "passed_on", "returned"]
        #expect(Set(unmet).isSubset(of: elsewhere), "never met: \(unmet)")
        #expect(unanswered < expected[Reason(name: "icmp_too_big")!]!, "no answer was compared")
    }
}

/// In a class, to be kept in a dictionary.
final class LoadedProgram {
    let program: BPFProgram

    init(_ program: consuming BPFProgram) { self.program = program }
}

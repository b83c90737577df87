import AnchorDataPlane
import ArgumentParser
import BPFKit
import Foundation
import NetworkLab
import Synchronization

struct NATExpiryBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nat-expiry",
        abstract: "A look at all slots of the NAT's table that takes out flows, while packets of others go through it.")

    @Option(help: "Slots of the table, a power of two.")
    var slots = 1 << 24

    @Option(help: "Flows that are over their time.")
    var ended = 1_000_000

    @Option(help: "Flows that have packets meanwhile.")
    var alive = 50_000

    func run() throws {
        guard slots.nonzeroBitCount == 1, ended + alive <= slots / 6 else {
            throw ValidationError("\(slots) slots: it has to be a power of two, of at least six a flow")
        }
        try Expiring.measure(slots: slots, ended: ended, alive: alive)
    }
}

/// What expiry costs, and whether it disturbs what stays.
enum Expiring {
    /// How long a flow is kept here: several ticks of the programs' clock, more than it takes to send a packet of each
    /// one that stays.
    private static let timeouts = NATTimeouts(udp: .seconds(4))

    static func measure(slots: Int, ended: Int, alive: Int) throws {
        let flows = NATFlows(count: ended + alive)
        let router = try NATRouter(flows: flows, slots: slots)
        try router.load(.up)
        let words = try router.words(.up)
        let stream = try Stream(router, words, alive: alive)
        // The others fall silent.
        let start = ContinuousClock.now
        while ContinuousClock.now - start < timeouts.udp + .seconds(3) { try stream.send() }
        let filled = router.dataPlane.nat.translations.entries

        let pass = Pass(router.dataPlane, timeouts)
        let before = stream.checked
        while !pass.isDone { try stream.send() }
        let outcome = try pass.result()
        let found = outcome.pass
        guard found.flowsRemoved == ended - words.refused, found.counts.flows == alive else {
            throw BenchError(
                "\(found.flowsRemoved) of \(ended) flows were taken out, and \(found.counts.flows) of \(alive) stayed")
        }
        // And a packet of each that stays.
        let checked = stream.checked - before
        for _ in 0..<alive { try stream.send() }
        let million = String(format: "%.1f", Double(slots) / 1e6)
        try AnchorBench.print([
            Figure("nat-expiry-\(million)-M-slots-\(ended)-flows", outcome.seconds, "s", atMost: 0.5),
            Figure("nat-expiry-processor-time", outcome.processor, "s"),
            Figure("nat-expiry-longest-part", outcome.longest * 1000, "ms"),
            Figure("nat-expiry-slots-in-use", Double(filled) / Double(slots) * 100, "%"),
            Figure("nat-expiry-packets-meanwhile", Double(checked), "packets"),
            Figure("nat-expiry-packets-mis-sent", Double(stream.wrong), "packets", atMost: 0),
        ])
    }

    /// Packets of the flows that stay, one by one, each looked at when it has come out.
    private final class Stream {
        private let program: Program
        private let frame = NATFrame(.up)
        private let words: NATRouter.Words
        private let alive: Int
        private var next = 0
        private(set) var checked = 0
        /// Not sent, or with another outside address or port than the flow has.
        private(set) var wrong = 0

        init(_ router: NATRouter, _ words: NATRouter.Words, alive: Int) throws {
            program = Program(try router.program(.up))
            self.words = words
            self.alive = alive
        }

        func send() throws {
            let run = try program.program.testRun(frame.with(words.inside[next]))
            checked += 1
            let isRight =
                Router.isSent(run.verdict) && run.packet.count >= 36
                && NATRouter.outside(run.packet) == words.outside[next]
            if !isRight { wrong += 1 }
            next = (next + 1) % alive
        }
    }

    private final class Program {
        let program: BPFProgram
        init(_ program: consuming BPFProgram) { self.program = program }
    }

    /// One look at the whole table, on another thread, part by part as the daemon has it.
    private final class Pass: Sendable {
        struct Outcome {
            var pass = NATPass()
            /// How long it took, how much of that on a processor, and its longest part.
            var seconds = 0.0
            var processor = 0.0
            var longest = 0.0
        }

        /// As many places in one go as the daemon goes through.
        private static let places = 16384
        private let outcome = Mutex<Result<Outcome, any Error>?>(nil)

        init(_ dataPlane: KernelDataPlane, _ timeouts: NATTimeouts) {
            Thread { [self] in
                let result = Result { try Self.run(dataPlane, timeouts) }
                outcome.withLock { $0 = result }
            }.start()
        }

        var isDone: Bool { outcome.withLock { $0 != nil } }

        func result() throws -> Outcome {
            guard let outcome = outcome.withLock({ $0 }) else { throw BenchError("the look at the table is not over") }
            return try outcome.get()
        }

        private static func run(_ dataPlane: KernelDataPlane, _ timeouts: NATTimeouts) throws -> Outcome {
            var outcome = Outcome()
            let (start, processor) = (ContinuousClock.now, processorSeconds)
            var place: Int? = 0
            while let from = place {
                let begun = ContinuousClock.now
                outcome.pass.add(try dataPlane.expireTranslations(timeouts, from: from, places: places))
                outcome.longest = max(outcome.longest, (ContinuousClock.now - begun).inSeconds)
                place = outcome.pass.next
            }
            outcome.seconds = (ContinuousClock.now - start).inSeconds
            outcome.processor = processorSeconds - processor
            return outcome
        }

        /// Of the calling thread.
        private static var processorSeconds: Double {
            var time = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
    }
}

import BPFKit
import NetworkLab

/// Known flows through the NAT, and new ones.
enum Translating {
    /// New flows a second that one core is to make.
    static let newFlowsTarget = 1_500_000.0

    static func measure(flows count: Int, rounds: Int, packets: Int) throws {
        let flows = NATFlows(count: count)
        let driver = try Driver(flows: count)
        for pair in [[NATJob.up, .down], [.upTunnelled, .downTunnelled]] {
            let router = try NATRouter(flows: flows)
            try router.load(pair[0])
            if count >= 1 << 20 { try measureNew(router, driver, pair[0]) }
            let words = try router.words(pair[0])
            let reference = try NATReference(flows, words, fill: router.fill)
            for job in pair {
                try router.load(job)
                let frame = NATFrame(job)
                let own = job.isUp ? words.inside : words.outside
                let program = try router.program(job)
                let beside = try reference.program(job)
                let first = frame.with(own[0])
                let verdicts = try [program.testRun(first).verdict, beside.testRun(first).verdict]
                guard verdicts.allSatisfy(Router.isSent) else {
                    throw BenchError("\(job): verdicts \(verdicts), the packet was not sent")
                }
                driver.prepare(frame, words: own)
                let result = try driver.measure(frame.bytes, program, beside, rounds: rounds, count: packets)
                try AnchorBench.print([
                    Figure(
                        "nat-\(job.rawValue)-\(count)", result.programs[0], "ns", reference: result.programs[1],
                        ratioAtMost: job.target)
                ])
            }
        }
    }

    /// First packets, until the table has all flows.
    private static func measureNew(_ router: NATRouter, _ driver: borrowing Driver, _ job: NATJob) throws {
        let flows = router.flows
        let frame = NATFrame(job)
        driver.prepare(frame, words: (0..<flows.count).map { flows.words($0) }, inOrder: true)
        let program = try router.program(job)
        let nanoseconds = try driver.measureOnce(frame.bytes, program, count: flows.count)
        let made = router.dataPlane.nat.translations.entries
        try AnchorBench.print([
            Figure(
                "nat-new-flows-\(job.rawValue)", 1e9 / nanoseconds, "flows/s", atLeast: newFlowsTarget)
        ])
        guard made >= flows.count * 3 - 100 else {
            throw BenchError("only \(made) entries were made for \(flows.count) flows")
        }
    }
}

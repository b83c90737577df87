import ArgumentParser
import NetworkLab

struct NATRouterBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nat-router",
        abstract: "One router between two veth links that translates, live frames: known flows and new ones.",
        discussion: """
            Against the kernel's masquerading with connection tracking, on such links too. Sender, router and receiver
            share the core that this runs on: start it with taskset.
            """)

    @Option(help: "Numbers of known flows, powers of two.")
    var flows = [1024, 1 << 20]

    @Option(help: "New flows while the table fills, a power of two.")
    var newFlows = 1 << 20

    @Option(help: "How often packets of known flows are measured; the median counts.")
    var rounds = 9

    @Option(help: "How often a table is filled; the median counts.")
    var fills = 3

    @Option(help: "Packets in each measurement.")
    var count = 500_000

    func run() throws {
        for number in flows + [newFlows] {
            guard number > 0, number.nonzeroBitCount == 1, number <= 1 << 20 else {
                throw ValidationError("\(number) flows: it has to be a power of two, and at most \(1 << 20)")
            }
        }
        // Those of a router that is gone are counted for some time yet.
        let tracking = try ConnectionTracking(room: 8 << 20)
        defer { withExtendedLifetime(tracking) {} }
        for number in flows { try measureKnown(number) }
        try measureNew()
    }

    private func measureKnown(_ number: Int) throws {
        let routers = try LiveNATRouter.Kind.allCases.map { kind in
            (kind, try LiveNATRouter(kind, flows: NATFlows(count: number, hasRemotePorts: true)))
        }
        // Again, for those whose packet was lost.
        for (_, router) in routers { for _ in 0..<3 { _ = try router.makeFlows() } }
        var rates: [LiveNATRouter.Kind: [Double]] = [:]
        // In turns, so that what else the machine does hits all of them.
        for _ in 0..<rounds {
            for (kind, router) in routers { rates[kind, default: []].append(try router.rate(count: count)) }
        }
        try AnchorBench.print([
            Figure(
                "nat-router-known-\(number)-to-masquerade", try median(rates[.anchor]), "M/s",
                reference: try median(rates[.kernel]), ratioAtLeast: 2.5)
        ])
    }

    private func measureNew() throws {
        var rates: [LiveNATRouter.Kind: [Double]] = [:]
        for _ in 0..<fills {
            for kind in LiveNATRouter.Kind.allCases {
                // A table that is empty each time.
                let router = try LiveNATRouter(kind, flows: NATFlows(count: newFlows, hasRemotePorts: true))
                rates[kind, default: []].append(try router.makeFlows() / 1e6)
            }
        }
        try AnchorBench.print([
            Figure(
                "nat-router-new-\(newFlows)-to-masquerade", try median(rates[.anchor]), "M/s",
                reference: try median(rates[.kernel]), ratioAtLeast: 4)
        ])
    }

    private func median(_ rates: [Double]?) throws -> Double {
        guard let rates, !rates.isEmpty else { throw BenchError("nothing was measured") }
        let median = rates.sorted()[rates.count / 2]
        guard median > 0 else { throw BenchError("a router lets nothing through") }
        return median
    }
}

import ArgumentParser
import NetworkLab

struct RouterBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "router",
        abstract: "One router between two veth links, live frames: packets received a second, on one core.",
        discussion: "Sender, router and receiver share the core that this runs on: start it with taskset.")

    @Option(help: "Number of hosts, a power of two.")
    var hosts = 1024

    @Option(help: "How often each router is measured; the median counts.")
    var rounds = 11

    @Option(help: "Packets in each measurement.")
    var count = 500_000

    func run() throws {
        guard hosts > 0, hosts.nonzeroBitCount == 1 else {
            throw ValidationError("\(hosts) hosts: it has to be a power of two")
        }
        let kinds: [LiveRouter.Kind] = [.minimal, .kernel, .kernelTunnel] + Job.live.map { .anchor($0) }
        let routers = try kinds.map { try LiveRouter($0, hosts: hosts) }
        var rates = [LiveRouter.Kind: [Double]]()
        // In turns, so that what else the machine does hits all of them.
        for _ in 0..<rounds {
            for (kind, router) in zip(kinds, routers) { rates[kind, default: []].append(try router.rate(count: count)) }
        }
        let medians = try rates.mapValues { rates in
            let median = rates.sorted()[rates.count / 2]
            guard median > 0 else { throw BenchError("a router lets nothing through") }
            return median
        }
        try AnchorBench.print(figures { medians[$0] ?? 0 })
    }

    private func figures(_ rate: (LiveRouter.Kind) -> Double) -> [Figure] {
        func figure(_ job: Job, against kind: LiveRouter.Kind, _ name: String, atLeast limit: Double) -> Figure {
            Figure(
                "router-\(job)-v4-\(hosts)-to-\(name)", rate(.anchor(job)), "M/s", reference: rate(kind),
                ratioAtLeast: limit)
        }
        return Job.live.map { figure($0, against: .minimal, "minimal-router", atLeast: 0.9) } + [
            figure(.forward, against: .kernel, "kernel-forwarding", atLeast: 1.8),
            figure(.encapsulate, against: .kernelTunnel, "kernel-tunnel", atLeast: 3.5),
        ]
    }
}

import ArgumentParser

struct ForwardingBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forwarding", abstract: "Decapsulate, encapsulate, forward: nanoseconds a packet.")

    @Option(help: "Numbers of hosts, powers of two.")
    var hosts = [1, 1024, 1 << 20]

    @Option(help: "IP versions, 4 and 6.")
    var family = Family.allCases

    @Option(help: "Where packets leave: same as they came in by, or other.")
    var exit = Router.Exit.allCases

    @Option(help: "How often each program is measured; the best counts.")
    var rounds = 9

    @Option(help: "Packets in each measurement.")
    var count = 300_000

    func run() throws {
        for number in hosts {
            guard number > 0, number.nonzeroBitCount == 1 else {
                throw ValidationError("\(number) hosts: it has to be a power of two")
            }
            try Forwarding.measure(hosts: number, families: family, exits: exit, rounds: rounds, count: count)
        }
    }
}

struct NATBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nat", abstract: "Known flows through the NAT: nanoseconds a packet; and new ones a second.")

    @Option(help: "Numbers of flows, powers of two.")
    var flows = [1, 1024, 1 << 20]

    @Option(help: "How often each program is measured; the best counts.")
    var rounds = 9

    @Option(help: "Packets in each measurement.")
    var count = 300_000

    func run() throws {
        for number in flows {
            guard number > 0, number.nonzeroBitCount == 1 else {
                throw ValidationError("\(number) flows: it has to be a power of two")
            }
            try Translating.measure(flows: number, rounds: rounds, packets: count)
        }
    }
}

struct ChurnBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "churn",
        abstract: "Encapsulate while another core inserts and removes hosts as fast as it can.")

    @Option(help: "Hosts that stay, a power of two.")
    var hosts = 1 << 20

    @Option(help: "Packets whose bytes are checked.")
    var checked = 200_000

    func run() throws {
        try Churning.measure(hosts: hosts, checked: checked)
    }
}

extension Family: ExpressibleByArgument {}
extension Router.Exit: ExpressibleByArgument {}

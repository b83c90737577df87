import Foundation
import NetworkTypes

extension LabBench {
    /// One TCP connection, before the move and after it, through the tunnel. First as fast as it gets: all machines of
    /// the lab share this one's processors, so that what is measured is work, also that of the two hops more. Then on
    /// access links with a rate, as radio links have one.
    static let throughput = LabBench(
        name: "tcp", summary: "one TCP connection with iperf3, up and down: through the tunnel against before the move"
    ) { log in
        try [nil, 1000].flatMap { limit in
            try AddressFamily.allCases.flatMap { family in
                try Direction.allCases.map { direction in
                    let rates = try move(family, direction, limit)
                    // The first second is slow start, and the sixth has the move in it.
                    let before = rates[1..<5].reduce(0, +) / 4
                    let after =
                        rates[7..<min(rates.count, seconds)].reduce(0, +) / Double(min(rates.count, seconds) - 7)
                    let name = "v\(family.rawValue) \(direction.rawValue)" + (limit.map { " at \($0) Mbit/s" } ?? "")
                    log("  \(name): " + rates.map { String(format: "%.0f", $0) }.joined(separator: " "))
                    return Figure("tcp \(name)", after, "Mbit/s", reference: before, ratioAtLeast: 0.9)
                }
            }
        }
    }

    private static let seconds = 12

    /// Megabits in each second of a connection that moves from router 1 to router 2 after five.
    /// - Parameter limit: rate of the access link each way, in megabits a second of frames.
    private static func move(_ family: AddressFamily, _ direction: Direction, _ limit: Int?) throws -> [Double] {
        let lab = try Lab(LabPlan(routers: 2))
        defer { lab.remove() }
        try lab.startRouters()
        try lab.attach(to: 1)
        if let limit {
            for (machine, interface) in [("mn", "wlan0"), ("air", "node0")] {
                try lab.run(
                    [
                        "tc", "qdisc", "add", "dev", interface, "root", "tbf", "rate", "\(limit)mbit", "burst", "256k",
                        "latency", "20ms",
                    ], on: machine)
            }
        }
        try lab.startNode()
        let source = try lab.waitForAttachment(to: 1, family)
        let server = try lab.start(["iperf3", "-s", "-1", "--forceflush"], on: "cn", name: "iperf3-server")
        try server.waitUntil("listening") { server.log.contains("listening") }
        let report = "\(lab.identity.folder)/iperf3.json"
        let client = try lab.start(
            [
                "iperf3", "-c", "\(AddressPlan.correspondent(family))", "-B", "\(source)", "-t", "\(seconds)", "-J",
                "-C", "cubic",
            ]
                + (direction == .down ? ["-R"] : []),
            on: "mn", name: "iperf3", outputPath: report)
        let start = ContinuousClock.now
        _ = pollUntil(timeout: .seconds(5), every: 20) { ContinuousClock.now - start >= .seconds(5) }
        try lab.attach(to: 2)
        guard client.wait(timeout: .seconds(seconds + 20)) == 0 else {
            throw LabError.processEnded("iperf3", client.log)
        }
        return try intervals(Data(contentsOf: URL(fileURLWithPath: report)))
    }

    /// Megabits a second of each interval.
    private static func intervals(_ report: Data) throws -> [Double] {
        struct Report: Decodable {
            struct Interval: Decodable {
                struct Sum: Decodable { let bits_per_second: Double }
                let sum: Sum
            }
            let intervals: [Interval]
        }
        let rates = try JSONDecoder().decode(Report.self, from: report).intervals.map { $0.sum.bits_per_second / 1e6 }
        guard rates.count > 8 else { throw LabError.processEnded("iperf3", "after \(rates.count) seconds") }
        return rates
    }
}

import Foundation
import NetworkTypes

extension LabBench {
    /// One TCP connection at the router where it began, and through the tunnel. First as fast as it gets: all machines
    /// of the lab share this one's processors, so that what is measured is work, also that of the two hops more. Then
    /// on access links with a rate, as radio links have one.
    static let throughput = LabBench(
        name: "tcp", summary: "one TCP connection with iperf3, up and down: through the tunnel against before the move"
    ) { log in
        try [nil, 1000].flatMap { limit in
            try AddressFamily.allCases.flatMap { family in
                try Direction.allCases.map { direction in
                    let rates = try rates(family, direction, limit)
                    let name = "v\(family.rawValue) \(direction.rawValue)" + (limit.map { " at \($0) Mbit/s" } ?? "")
                    log("  \(name): " + rates.map { String(format: "%.0f", $0) }.joined(separator: " "))
                    return Figure(
                        "tcp \(name)", mean(rates, at: 2), "Mbit/s", reference: mean(rates, at: 1), ratioAtLeast: 0.9)
                }
            }
        }
    }

    /// Seconds at one router, before the node moves to the other one.
    private static let stay = 5
    /// The routers, in the order of its stays: there and back again, so that what changes on this machine meanwhile
    /// changes both.
    private static let stays = [1, 2, 1, 2]

    /// The mean of the stays at a router. Each begins with a second that is not counted: of slow start, or of the move.
    private static func mean(_ rates: [Double], at router: Int) -> Double {
        let counted = rates.indices.filter { $0 / stay < stays.count && stays[$0 / stay] == router && $0 % stay > 0 }
        return counted.map { rates[$0] }.reduce(0, +) / Double(counted.count)
    }

    /// Megabits in each second of a connection that begins at router 1.
    /// - Parameter limit: rate of the access link each way, in megabits a second of frames.
    private static func rates(_ family: AddressFamily, _ direction: Direction, _ limit: Int?) throws -> [Double] {
        let lab = try Lab(LabPlan(routers: 2))
        defer { lab.remove() }
        try lab.forwardInDrivers()
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
                "iperf3", "-c", "\(AddressPlan.correspondent(family))", "-B", "\(source)",
                "-t", "\(stay * stays.count)", "-J", "-C", "cubic",
            ]
                + (direction == .down ? ["-R"] : []),
            on: "mn", name: "iperf3", outputPath: report)
        let start = ContinuousClock.now
        for (place, router) in stays.enumerated().dropFirst() {
            let moment = start + .seconds(stay * place)
            _ = pollUntil(timeout: .seconds(stay + 1), every: 20) { ContinuousClock.now >= moment }
            try lab.attach(to: router)
        }
        guard client.wait(timeout: .seconds(stay + 20)) == 0 else {
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
        guard rates.count >= stay * stays.count else {
            throw LabError.processEnded("iperf3", "after \(rates.count) seconds")
        }
        return rates
    }
}

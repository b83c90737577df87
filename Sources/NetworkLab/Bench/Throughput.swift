import Foundation
import NetworkTypes

extension LabBench {
    /// One TCP connection, before the move and after it, through the tunnel.
    static let throughput = LabBench(
        name: "tcp", summary: "one TCP connection with iperf3, up and down: through the tunnel against before the move"
    ) { log in
        try AddressFamily.allCases.flatMap { family in
            try Direction.allCases.map { direction in
                let lab = try Lab(LabPlan(routers: 2))
                defer { lab.remove() }
                try lab.startRouters()
                try lab.attach(to: 1)
                try lab.startNode()
                let source = try lab.waitForAttachment(to: 1, family)
                let server = try lab.start(["iperf3", "-s", "-1", "--forceflush"], on: "cn", name: "iperf3-server")
                try server.waitUntil("listening") { server.log.contains("listening") }
                let seconds = 12
                let report = "\(lab.identity.folder)/iperf3.json"
                let client = try lab.start(
                    [
                        "iperf3", "-c", "\(AddressPlan.correspondent(family))", "-B", "\(source)", "-t", "\(seconds)",
                        "-J",
                    ]
                        + (direction == .down ? ["-R"] : []),
                    on: "mn", name: "iperf3", outputPath: report)
                let start = ContinuousClock.now
                _ = pollUntil(timeout: .seconds(5), every: 20) { ContinuousClock.now - start >= .seconds(5) }
                try lab.attach(to: 2)
                guard client.wait(timeout: .seconds(seconds + 20)) == 0 else {
                    throw LabError.processEnded("iperf3", client.log)
                }
                let rates = try intervals(Data(contentsOf: URL(fileURLWithPath: report)))
                // The first second is slow start, and the sixth has the move in it.
                let before = rates[1..<5].reduce(0, +) / 4
                let after = rates[7..<min(rates.count, seconds)].reduce(0, +) / Double(min(rates.count, seconds) - 7)
                log(
                    "  IPv\(family.rawValue) \(direction.rawValue): "
                        + rates.map { String(format: "%.0f", $0) }.joined(separator: " "))
                return Figure(
                    "tcp v\(family.rawValue) \(direction.rawValue)", after, "Mbit/s", reference: before,
                    ratioAtLeast: 0.9)
            }
        }
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

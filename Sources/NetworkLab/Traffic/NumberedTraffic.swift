import Foundation
import NetworkTypes

/// Numbered datagrams in both directions between the node and the correspondent, on one flow that the node begins.
public final class NumberedTraffic {
    private let node: BackgroundProcess
    private let correspondent: BackgroundProcess
    private let lab: Lab
    private let name: String

    /// What came of it: what one end sent and the other received.
    public struct Outcome: Hashable, Sendable {
        public var sent: Int
        public var lost: Int
        public var repeated: Int
        public var arrivals: [Arrival]

        /// Arrivals of numbers that had arrived before.
        public var repetitions: [Arrival] {
            var seen: Set<UInt64> = []
            return arrivals.filter { !seen.insert($0.sequence).inserted }
        }

        /// Datagrams that arrived in a second.
        public var rate: Int {
            guard let first = arrivals.first, let last = arrivals.last, last.time > first.time else { return 0 }
            return arrivals.count * 1_000_000_000 / Int(last.time - first.time)
        }

        /// Runs of numbers that are missing between two that arrived.
        public var gaps: [Gap] {
            let ordered = arrivals.sorted { $0.sequence < $1.sequence }
            return zip(ordered, ordered.dropFirst()).compactMap { before, after in
                guard after.sequence > before.sequence + 1 else { return nil }
                return Gap(count: Int(after.sequence - before.sequence) - 1, after: before.time, before: after.time)
            }
        }
    }

    /// Datagrams that are missing, and when those around them arrived, in nanoseconds of CLOCK_MONOTONIC.
    public struct Gap: Hashable, Sendable {
        public var count: Int
        public var after: UInt64
        public var before: UInt64
    }

    /// - Parameters:
    ///   - source: the node's address in the flow.
    ///   - rate: datagrams a second in each direction.
    ///   - port: the node's; the correspondent's is the next one.
    public init(
        on lab: Lab, from source: IPAddress, rate: Int, name: String = "traffic", port: UInt16 = 7001
    ) throws {
        self.lab = lab
        self.name = name
        let far = AddressPlan.correspondent(source.family)
        correspondent = try lab.start(
            try Self.command(
                local: far, port: port + 1, remote: nil, rate: rate, record: "\(lab.identity.folder)/\(name)-up.bin"),
            on: "cn", name: "\(name)-cn", outputPath: "\(lab.identity.folder)/\(name)-cn.json")
        try correspondent.waitUntil("bound") {
            (try? lab.run(["ss", "-Hulpn", "sport = :\(port + 1)"], on: "cn"))?.contains(":\(port + 1)") ?? false
        }
        node = try lab.start(
            try Self.command(
                local: source, port: port, remote: far, rate: rate, record: "\(lab.identity.folder)/\(name)-down.bin"),
            on: "mn", name: "\(name)-mn", outputPath: "\(lab.identity.folder)/\(name)-mn.json")
    }

    /// Ends it.
    /// - Returns: what went up and what went down.
    public func stop() throws -> (up: Outcome, down: Outcome) {
        node.signal(SIGTERM)
        correspondent.signal(SIGTERM)
        for process in [node, correspondent] {
            guard process.wait(timeout: .seconds(30)) == 0 else {
                throw LabError.processEnded(process.name, process.log)
            }
        }
        let folder = lab.identity.folder
        func report(_ end: String) throws -> TrafficReport {
            try JSONDecoder().decode(
                TrafficReport.self, from: Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)-\(end).json")))
        }
        let (near, far) = (try report("mn"), try report("cn"))
        return (
            Outcome(
                sent: near.sent, lost: near.sent - far.distinct, repeated: far.received - far.distinct,
                arrivals: try TrafficEnd.readArrivals("\(folder)/\(name)-up.bin")),
            Outcome(
                sent: far.sent, lost: far.sent - near.distinct, repeated: near.received - near.distinct,
                arrivals: try TrafficEnd.readArrivals("\(folder)/\(name)-down.bin"))
        )
    }

    private static func command(
        local: IPAddress, port: UInt16, remote: IPAddress?, rate: Int, record: String
    ) throws -> [String] {
        [
            try Lab.ownProgram("anchorctl"), "lab", "traffic", "--local", "\(local)", "--port", "\(port)", "--rate",
            "\(rate)",
            "--record", record,
        ] + (remote.map { ["--remote", "\($0)", "--remote-port", "\(port + 1)"] } ?? [])
    }
}

import ArgumentParser
import ControlAPI
import Foundation
import NetworkLab

/// A whole daemon with many leases in its journal: started, killed and started again, with all of them looked at for
/// signs of life while nodes move, and what each costs in memory.
struct DaemonHosts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "daemon-hosts", abstract: "A daemon with many leases: start, restart, expiry, memory.")

    @Option(help: "Number of leases, each of a host at a care-of address of its own.") var count = 1_000_000
    @Option(help: "Number of nodes that have them.") var nodes = 1000
    @Option(help: "Seconds in which updates are sent, over several looks at all hosts.") var seconds = 14

    func run() throws {
        let stage = try UpdateStage(nodes: nodes, capacity: count)
        defer { stage.remove() }
        try stage.start()
        let empty = stage.ownBytes
        stage.clear()
        try stage.writeJournal(leases: count, isAway: true)

        var figures: [Figure] = []
        let probe = try UpdateProbe(stage)
        let load = try stage.measureStart()
        figures.append(Figure("daemon: load hosts, from its start", Double(count) / load / 1e6, "M/s", atLeast: 1))
        try check(stage)
        stage.kill()

        let start = ContinuousClock.now
        let adoption = try stage.measureStart()
        try probe.update(every: .milliseconds(5))
        let first = (ContinuousClock.now - start).inSeconds
        figures.append(Figure("daemon: adopt hosts, from its start until it serves", adoption, "s", atMost: 2))
        figures.append(Figure("daemon: the same until an update is acknowledged", first, "s", atMost: 2))
        try check(stage)

        // The first look finds all of them seen since the start, the next ones nobody but who moved.
        let waits = try probe.run(for: .seconds(seconds))
        let own = Double(stage.ownBytes - empty) / Double(count)
        let scan = try stage.metric("flowanchor_scan_seconds{which=\"longest\"}")
        figures.append(Figure("daemon: scan hosts for expiry", scan, "s", atMost: 0.1))
        let turn = try stage.metric("flowanchor_scan_turn_seconds") * 1000
        figures.append(Figure("daemon: longest part of that at a time", turn, "ms"))
        append(waits, "update during scans", to: &figures)
        figures.append(Figure("daemon: its memory, a host", own, "B", atMost: 300))
        figures.append(Figure("daemon: its memory without hosts", Double(empty) / 1e6, "MB"))
        figures.append(Figure("daemon: memory of its maps, a host", Double(stage.mapBytes) / Double(count), "B"))
        stage.kill()
        try end(stage, probe, &figures)
        try AnchorBench.print(figures)
    }

    /// All leases end at one moment, but for those that are refreshed.
    private func end(_ stage: UpdateStage, _ probe: UpdateProbe, _ figures: inout [Figure]) throws {
        try stage.writeConfiguration(leaseLifetime: Self.lifetime)
        try stage.start()
        let start = ContinuousClock.now
        _ = try probe.run(for: .seconds(Self.lifetime) - .milliseconds(500))
        var waits: [Double] = []
        while try stage.entries() > nodes {
            waits += try probe.run(for: .milliseconds(500))
            guard ContinuousClock.now - start < .seconds(Self.lifetime + 120) else {
                throw ValidationError("\(try stage.entries()) hosts have not ended")
            }
        }
        let ended = (ContinuousClock.now - start).inSeconds - Double(Self.lifetime)
        figures.append(Figure("daemon: all hosts end at one moment, until none is left", ended, "s"))
        append(waits, "update while all hosts end", to: &figures)
    }

    /// Seconds, the shortest that may be configured: in that time each node is refreshed.
    private static let lifetime = 10

    private func append(_ waits: [Double], _ name: String, to figures: inout [Figure]) {
        figures.append(Figure("daemon: \(name), p50", LabBench.percentile(waits, 50), "ms"))
        figures.append(Figure("daemon: \(name), p99", LabBench.percentile(waits, 99), "ms"))
        figures.append(Figure("daemon: \(name), longest", waits.max() ?? 0, "ms"))
    }

    /// All leases are in the map.
    private func check(_ stage: UpdateStage) throws {
        let found = try stage.entries()
        guard found == count else { throw ValidationError("\(found) of \(count) hosts are in the map") }
    }
}

extension UpdateStage {
    /// Starts the daemon.
    /// - Returns: seconds until it serves, all hosts being in the map.
    func measureStart() throws -> Double {
        let start = ContinuousClock.now
        try self.start()
        return (ContinuousClock.now - start).inSeconds
    }

    /// Kills the daemon, and removes its data plane and its leases.
    func clear() {
        kill()
        unload()
        try? FileManager.default.removeItem(atPath: folder + "/state/journal")
    }

    /// What the daemon tells, by name and labels.
    func metrics() throws -> [String: Double] {
        let client = ControlClient(socket: socket)
        let text = try Blocking.run { () async throws -> String in
            for _ in 0..<1000 {
                // The socket is there a moment before it is listened at.
                if let text = try? await client.metricsText() { return text }
                try await Task.sleep(for: .milliseconds(10))
            }
            return try await client.metricsText()
        }
        var metrics: [String: Double] = [:]
        for line in text.split(separator: "\n") where !line.hasPrefix("#") {
            guard let space = line.lastIndex(of: " ") else { continue }
            metrics[String(line[..<space])] = Double(line[line.index(after: space)...])
        }
        return metrics
    }

    /// Hosts in the map and behind it.
    func entries() throws -> Int {
        try Int(
            metric("flowanchor_table_entries{table=\"fa_hosts\"}")
                + metric("flowanchor_table_spilled{table=\"fa_hosts\"}"))
    }

    func metric(_ name: String) throws -> Double {
        guard let value = try metrics()[name] else { throw ValidationError("the daemon has no metric \(name)") }
        return value
    }

    /// What the daemon has in memory that it shares with nobody.
    var ownBytes: Int { Memory.ownBytes(of: daemon.map { "\($0.processIdentifier)" } ?? "self") }

    /// What the kernel has set aside for the maps that the daemon holds.
    var mapBytes: Int {
        guard let process = daemon else { return 0 }
        let folder = "/proc/\(process.processIdentifier)/fdinfo"
        var maps: [Int: Int] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            guard let text = try? String(contentsOfFile: folder + "/" + name, encoding: .utf8) else { continue }
            var fields: [Substring: Int] = [:]
            for line in text.split(separator: "\n") {
                let parts = line.split(separator: ":")
                if parts.count == 2 { fields[parts[0]] = Int(parts[1].trimmingCharacters(in: .whitespaces)) }
            }
            if let map = fields["map_id"], let bytes = fields["memlock"] { maps[map] = bytes }
        }
        return maps.values.reduce(0, +)
    }
}

/// Waits for what is asynchronous.
enum Blocking {
    static func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
        let box = Box<Value>()
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            do { box.result = .success(try await body()) } catch { box.result = .failure(error) }
            done.signal()
        }
        done.wait()
        return try box.result!.get()
    }

    private final class Box<Value>: @unchecked Sendable { var result: Result<Value, any Error>? }
}

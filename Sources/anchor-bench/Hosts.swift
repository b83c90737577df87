import AnchorDataPlane
import ArgumentParser
import Glibc
import NetworkLab
import NetworkTypes

/// The host table in the kernel: loaded, adopted, scanned for expiry, and what it costs in memory.
struct Hosts: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A table of many hosts: loaded, adopted, scanned, and its memory.")

    @Option(help: "Number of hosts, each with a care-of address of its own.")
    var count = 1_000_000

    func run() throws {
        let options = KernelDataPlane.Options(
            instance: "bench-\(getpid())", hostCapacity: count * 2, spillCapacity: max(4096, count / 64))
        defer { _ = try? KernelDataPlane.unload(options) }
        let before = Memory.ownBytes
        var figures = try load(options)
        let adopted = try figures.append(measuring: "adopt hosts", "s", atMost: 2) { try KernelDataPlane(options) }
        guard adopted.wasAdopted, adopted.hostTable.entries == count else {
            throw ValidationError("\(adopted.hostTable.entries) of \(count) hosts were adopted")
        }
        let idle = try figures.append(measuring: "scan hosts for expiry", "s", atMost: 0.1) {
            try adopted.hosts(idleFor: .seconds(3600))
        }
        guard idle.isEmpty else { throw ValidationError("\(idle.count) fresh hosts are idle") }
        let own = Double(max(0, Memory.ownBytes - before)) / Double(count)
        figures.append(Figure("data plane memory of the daemon, a host", own, "B", atMost: 300))
        let kernel = Double(adopted.sharedBytes) / Double(count)
        figures.append(Figure("memory of the kernel, a host", kernel, "B"))
        try AnchorBench.print(figures)
    }

    private func load(_ options: KernelDataPlane.Options) throws -> [Figure] {
        let dataPlane = try KernelDataPlane(options)
        let path = try dataPlane.path(for: PathSpecification(nextHop: .kernel))
        let hosts = Hosts(count: count, path: path)
        let start = ContinuousClock.now
        try dataPlane.setHosts(hosts)
        let rate = Double(count) / (ContinuousClock.now - start).inSeconds / 1e6
        return [Figure("load hosts", rate, "M/s", atLeast: 1)]
    }

    /// Hosts 10.0.0.0 and following, away from home each at an address of its own.
    private struct Hosts: Sequence, IteratorProtocol {
        let count: Int
        let path: PathIndex
        var number = 0

        init(count: Int, path: PathIndex) {
            self.count = count
            self.path = path
        }

        mutating func next() -> HostEntry? {
            guard number < count else { return nil }
            defer { number += 1 }
            let peer = IPAddress(v4: 0x6440_0000 &+ UInt32(number))
            return HostEntry(
                key: HostKey(IPAddress(v4: 0x0a00_0000 &+ UInt32(number))), node: UInt32(number),
                tunnel: HostTunnel(peer: peer, kind: .ipip, path: path))
        }
    }
}

extension [Figure] {
    /// Measures how long `body` takes.
    mutating func append<Result>(
        measuring name: String, _ unit: String, atMost limit: Double, _ body: () throws -> Result
    ) rethrows -> Result {
        let start = ContinuousClock.now
        let result = try body()
        append(Figure(name, (ContinuousClock.now - start).inSeconds, unit, atMost: limit))
        return result
    }
}

extension Duration {
    var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

/// What a process has in memory that it shares with nobody.
enum Memory {
    static var ownBytes: Int { ownBytes(of: "self") }

    /// - Parameter process: its number, or "self".
    static func ownBytes(of process: String) -> Int {
        guard let file = fopen("/proc/\(process)/status", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            if text.hasPrefix("RssAnon:") { return (Int(text.filter(\.isNumber)) ?? 0) * 1024 }
        }
        return 0
    }
}

import AnchorCore
import AnchorDaemon
import AnchorProtocol
import ArgumentParser
import CDatagram
import Foundation
import NetworkLab
import NetworkTypes

/// A daemon that anchors many nodes, all of which move at once: updates that are authenticated, stored, in the map
/// and acknowledged. The leases are in its journal from the start, as after a restart.
struct Updates: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Location updates of many nodes at one anchor.")

    @Option(help: "Number of nodes.") var count = 20_000
    @Option(help: "How often each of them moves.") var rounds = 5

    func run() throws {
        let stage = try UpdateStage(nodes: count)
        defer { stage.remove() }
        let started = ContinuousClock.now
        try stage.start()
        let startup = (ContinuousClock.now - started).inSeconds
        let load = try UpdateLoad(stage)
        let before = stage.processorSeconds
        let begun = ContinuousClock.now
        for round in 1...rounds { try load.run(round: UInt32(round)) }
        let elapsed = (ContinuousClock.now - begun).inSeconds
        let updates = Double(count * rounds)
        let used = stage.processorSeconds - before
        try AnchorBench.print([
            Figure("location updates at one anchor", updates / elapsed, "1/s"),
            Figure("location updates at one anchor, a core", updates / used, "1/s", atLeast: 20_000),
            Figure("start of a daemon with \(count) leases", startup, "s"),
        ])
    }
}

/// A router's namespace and the load's, joined by one link; the daemon and its files.
final class UpdateStage {
    let nodes: Int
    let name = "fa-bench-\(getpid())"
    var loadNamespace: String { name + "-load" }
    static let key = (0..<32).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) }
    static let router: UInt64 = 77
    private let folder: String
    private var daemon: Process?

    init(nodes: Int) throws {
        self.nodes = nodes
        folder = FileManager.default.temporaryDirectory.path + "/" + name
        try FileManager.default.createDirectory(atPath: folder + "/state", withIntermediateDirectories: true)
        let commands = """
            netns add \(name)
            netns add \(loadNamespace)
            -n \(name) link add core0 type veth peer name load0 netns \(loadNamespace)
            -n \(name) link add acc0 type veth peer name acc0-far
            -n \(name) link set lo up
            -n \(name) link set core0 up
            -n \(name) link set acc0 up
            -n \(name) link set acc0-far up
            -n \(name) addr add 192.0.2.2/28 dev core0
            -n \(name) addr add 10.0.0.1/8 dev acc0
            -n \(name) route add default via 192.0.2.1
            -n \(loadNamespace) link set lo up
            -n \(loadNamespace) link set load0 up
            -n \(loadNamespace) addr add 192.0.2.1/28 dev load0
            -n \(loadNamespace) route add local 100.64.0.0/10 dev lo
            """
        for line in commands.split(separator: "\n") { try Self.ip(line.split(separator: " ").map(String.init)) }
        try writeConfiguration()
        try writeJournal()
    }

    /// oM of a node, numbered from 0.
    static func address(_ node: Int) -> IPAddress { IPAddress(v4: 0x0a00_0100 + UInt32(node)) }
    /// nM of a node in a round.
    static func careOf(_ node: Int, _ round: UInt32) -> IPAddress {
        IPAddress(v4: 0x6440_0000 + (UInt32(node) &+ round) & 0x3f_ffff)
    }

    private static func ip(_ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["ip"] + arguments
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else {
            throw ValidationError("ip \(arguments.joined(separator: " ")) failed")
        }
    }

    private func writeConfiguration() throws {
        let key = Self.key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        var text = """
            instance = "\(name)"
            state-directory = "\(folder)/state"
            control-socket = "\(folder)/socket"
            log-level = "warning"
            [access-router]
            id = \(Self.router)
            endpoints = ["192.0.2.2"]
            core-interfaces = ["core0"]
            host-capacity = \(nodes * 2)
            [[access-router.access]]
            interface = "acc0"
            gateway = "10.0.0.1/8"
            pools = "10.0.0.0/8"

            """
        for node in 1...nodes {
            text += "[[access-router.node]]\nid = \(node)\nspi = \(1000 + node)\nkey = \"\(key)\"\n"
        }
        try text.write(toFile: folder + "/anchord.toml", atomically: true, encoding: .utf8)
    }

    private func writeJournal() throws {
        let (journal, _) = try Journal.open(path: folder + "/state/journal")
        let records = (0..<nodes).map { node in
            let location = HostLocation.attached(
                Neighbour(mac: MACAddress(bits: 0x0200_0000_0000 + UInt64(node)), interface: InterfaceID(1)))
            var bytes: [UInt8] = []
            AccessRouterRecord.host(
                HostRecord(
                    address: Self.address(node), node: UInt64(node + 1), order: MessageOrder(epoch: 1, sequence: 1),
                    location: location, link: InterfaceID(1))
            ).encode(into: &bytes)
            return bytes
        }
        let done = DispatchSemaphore(value: 0)
        journal.append(records) { _ in done.signal() }
        done.wait()
    }

    /// Starts the daemon and waits until it is ready.
    func start() throws {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        process.arguments = [
            "nsenter", "--net=/run/netns/\(name)", binary.path + "/anchord", "--config", folder + "/anchord.toml",
        ]
        try process.run()
        daemon = process
        while !FileManager.default.fileExists(atPath: folder + "/socket") {
            guard process.isRunning else { throw ValidationError("the daemon did not start") }
            poll(nil, 0, 5)
        }
    }

    /// Processor time that the daemon has used.
    var processorSeconds: Double {
        guard let process = daemon,
            let text = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        let fields = text[end...].split(separator: " ")
        return ((Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    func remove() {
        if let daemon, daemon.isRunning {
            daemon.terminate()
            daemon.waitUntilExit()
        }
        _ = try? Unloading.unload(name)
        for namespace in [name, loadNamespace] { try? Self.ip(["netns", "del", namespace]) }
        try? FileManager.default.removeItem(atPath: folder)
    }
}

import AnchorCore
import AnchorDaemon
import AnchorProtocol
import ArgumentParser
import CDatagram
import Foundation
import Netlink
import NetworkLab
import NetworkTypes

/// A router's namespace and the load's, joined by one link; the daemon and its files.
final class UpdateStage {
    let nodes: Int
    /// Host entries that there is room for; the nodes' quotas allow as many.
    let capacity: Int
    let name = "fa-bench-\(getpid())"
    var loadNamespace: String { name + "-load" }
    static let key = (0..<32).map { UInt8(truncatingIfNeeded: $0 * 37 + 11) }
    static let router: UInt64 = 77
    /// oA.
    static let endpoint = IPAddress(v4: 0xc000_0202)
    let folder: String
    private(set) var daemon: Process?

    init(nodes: Int, capacity: Int? = nil) throws {
        self.nodes = nodes
        self.capacity = capacity ?? nodes
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
    }

    /// oM of a lease, numbered from 0: the first of them are the nodes' first, in their order.
    static func address(_ node: Int) -> IPAddress { IPAddress(v4: 0x0a00_0100 + UInt32(node)) }
    /// nM of a lease in a round.
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

    /// - Parameter leaseLifetime: seconds that a lease lives without a refresh.
    func writeConfiguration(leaseLifetime: Int = 600) throws {
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
            host-capacity = \(capacity * 2)
            lease-lifetime = \(leaseLifetime)
            [[access-router.access]]
            interface = "acc0"
            gateway = "10.0.0.1/8"
            pools = "10.0.0.0/8"

            """
        let quota = max(8, (capacity + nodes - 1) / nodes)
        for node in 1...nodes {
            text += "[[access-router.node]]\nid = \(node)\nspi = \(1000 + node)\nkey = \"\(key)\"\nquota = \(quota)\n"
        }
        try text.write(toFile: folder + "/anchord.toml", atomically: true, encoding: .utf8)
    }

    /// What the nodes share with the router, in their order.
    func makeAssociations() throws -> [SecurityAssociation] {
        try (1...nodes).map { try SecurityAssociation(spi: UInt32(1000 + $0), node: UInt64($0), key: Self.key) }
    }

    /// A socket that the nodes send from: it belongs to the namespace that it was opened in.
    func openSocket() throws -> Int32 {
        let namespace = try NetworkNamespace(path: "/run/netns/\(loadNamespace)")
        let descriptor = try namespace.run { cd_open(4, AnchorMessage.port, 8 << 20) }
        guard descriptor >= 0 else { throw ValidationError("can't open a socket: \(-descriptor)") }
        return descriptor
    }

    /// Writes the journal of a router that has these leases, dealt to the nodes in turn.
    /// - Parameter isAway: each host is at a care-of address of its own; otherwise on the access link.
    func writeJournal(leases: Int, isAway: Bool = false) throws {
        let (journal, _) = try Journal.open(path: folder + "/state/journal")
        for first in stride(from: 0, to: leases, by: Self.recordsAtOnce) {
            let records = (first..<min(leases, first + Self.recordsAtOnce)).map { lease in
                let location: HostLocation =
                    isAway
                    ? .tunnelled(Tunnel(local: Self.endpoint, peer: Self.careOf(lease, 0), kind: .ipInIP))
                    : .attached(
                        Neighbour(mac: MACAddress(bits: 0x0200_0000_0000 + UInt64(lease)), interface: InterfaceID(1)))
                var bytes: [UInt8] = []
                AccessRouterRecord.host(
                    HostRecord(
                        address: Self.address(lease), node: UInt64(lease % nodes + 1),
                        order: MessageOrder(epoch: 1, sequence: 1), location: location, link: InterfaceID(1))
                ).encode(into: &bytes)
                return bytes
            }
            let done = DispatchSemaphore(value: 0)
            journal.append(records) { _ in done.signal() }
            done.wait()
        }
    }

    private static let recordsAtOnce = 4096

    /// Starts the daemon and waits until it serves its control socket, which it does after all else.
    func start() throws {
        try? FileManager.default.removeItem(atPath: socket)
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        let binary = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
        process.arguments = [
            "nsenter", "--net=/run/netns/\(name)", binary.path + "/anchord", "--config", folder + "/anchord.toml",
        ]
        try process.run()
        daemon = process
        while access(socket, F_OK) != 0 {
            guard process.isRunning else { throw ValidationError("the daemon did not start") }
            poll(nil, 0, 1)
        }
    }

    /// Ends the daemon without giving it time for anything; the data plane stays in force.
    func kill() {
        guard let process = daemon else { return }
        Foundation.kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        daemon = nil
    }

    var socket: String { folder + "/socket" }

    /// Processor time that the daemon has used.
    var processorSeconds: Double {
        guard let process = daemon,
            let text = try? String(contentsOfFile: "/proc/\(process.processIdentifier)/stat", encoding: .utf8),
            let end = text.lastIndex(of: ")")
        else { return 0 }
        let fields = text[end...].split(separator: " ")
        return ((Double(fields[12]) ?? 0) + (Double(fields[13]) ?? 0)) / Double(sysconf(Int32(_SC_CLK_TCK)))
    }

    /// Takes out the data plane that a daemon has left.
    func unload() { _ = try? Unloading.unload(name) }

    func remove() {
        if let daemon, daemon.isRunning {
            daemon.terminate()
            daemon.waitUntilExit()
        }
        unload()
        for namespace in [name, loadNamespace] { try? Self.ip(["netns", "del", namespace]) }
        try? FileManager.default.removeItem(atPath: folder)
    }
}

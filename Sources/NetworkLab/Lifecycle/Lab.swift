import Foundation
import NetworkTypes

/// A running lab. Not for use by several threads; any number of labs may run side by side.
public final class Lab {
    public let identity: LabIdentity
    public let plan: LabPlan
    /// Where captures go.
    public let captureFolder: String
    private var processes: [BackgroundProcess] = []
    private var isOpen = true

    /// Makes namespaces, cables, addresses, routes and firewalls.
    /// - Parameters:
    ///   - kept: it outlives this process, until it is removed by name.
    ///   - captureFolder: where captures stay; by default among the lab's files, which go with it.
    /// - Throws: ``LabError``; nothing is left behind then.
    public init(
        _ plan: LabPlan, identity: LabIdentity = .unused(), kept: Bool = false, captureFolder: String? = nil
    ) throws {
        self.plan = plan
        self.identity = identity
        self.captureFolder = captureFolder ?? identity.folder + "/captures"
        guard getuid() == 0 else {
            throw LabError.notPermitted("network namespaces need root; start this as root, for example with sudo")
        }
        RemovalOnSignal.add(identity)
        do {
            try FileManager.default.createDirectory(
                atPath: identity.folder + "/logs", withIntermediateDirectories: true)
            try JSONEncoder().encode(LabOwner.current(kept: kept))
                .write(to: URL(fileURLWithPath: identity.folder + "/owner.json"))
            try FileManager.default.createDirectory(atPath: self.captureFolder, withIntermediateDirectories: true)
            try build()
        } catch {
            RemovalOnSignal.waitIfInterrupted()
            remove()
            throw error
        }
    }

    deinit { remove() }

    public func namespace(_ machine: String) -> String { identity.namespace(machine) }

    /// Runs a command on a machine to its end.
    @discardableResult
    public func run(_ arguments: [String], on machine: String, timeout: Duration = .seconds(30)) throws -> String {
        try Command(arguments, in: namespace(machine)).check(timeout: timeout)
    }

    /// Runs lines of shell on a machine; the first one that fails ends it.
    @discardableResult
    func script(_ lines: String, on machine: String) throws -> String {
        let result = try Command(["sh", "-eu"], in: namespace(machine), input: lines).run()
        guard result.succeeded else {
            throw LabError.commandFailed("shell script on \(machine):\n\(lines)", result.errors)
        }
        return result.output
    }

    /// Starts a process on a machine that ends with the lab at the latest.
    public func start(
        _ arguments: [String], on machine: String, name: String, outputPath: String? = nil
    ) throws -> BackgroundProcess {
        let process = try BackgroundProcess(
            Command(arguments, in: namespace(machine)), name: name, logPath: logPath(name), outputPath: outputPath)
        processes.append(process)
        return process
    }

    /// The newest process of that name.
    func process(_ name: String) -> BackgroundProcess? { processes.last { $0.name == name } }

    public func logPath(_ name: String) -> String { "\(identity.folder)/logs/\(name).log" }

    /// Captures links by their names in ``LabPlan/links``; returns once none of their packets is missed.
    /// - Parameters:
    ///   - label: goes into the names of the files.
    ///   - snapLength: bytes kept of each frame. The kernel's buffer holds the fewer frames the more is kept of each.
    public func capture(_ links: [String], label: String, snapLength: Int = 1600) throws -> [Capture] {
        let captures = try links.map { link in
            guard let place = plan.links[link] else {
                throw LabError.unknownName("link", link, known: plan.links.keys.sorted())
            }
            return try Capture(
                link: link, interface: place.interface, namespace: namespace(place.machine),
                path: "\(captureFolder)/\(label)-\(link).pcap", logPath: logPath("tcpdump-\(label)-\(link)"),
                snapLength: snapLength)
        }
        try captures.forEach { try $0.waitUntilReady() }
        return captures
    }

    /// What the firewall at a router has counted since it started.
    public func firewallCounters(_ router: Int) throws -> FirewallCounters {
        FirewallCounters(listing: try run(["nft", "list", "chain", "inet", "firewall", "forward"], on: "fw\(router)"))
    }

    /// Leaves it running after this object is gone.
    public func detach() {
        isOpen = false
        RemovalOnSignal.drop(identity)
    }

    /// Ends its processes and removes all of it.
    public func remove() {
        guard isOpen else { return }
        isOpen = false
        // Daemons first, and in order: they detach what they have attached.
        processes.reversed().forEach { $0.signal(SIGTERM) }
        processes.reversed().forEach { $0.stop() }
        LabRemoval.remove(identity)
        RemovalOnSignal.drop(identity)
    }
}

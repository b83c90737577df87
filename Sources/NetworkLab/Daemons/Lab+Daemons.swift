import ControlAPI
import Foundation
import NetworkTypes

extension Lab {
    var keyFile: String { identity.folder + "/node.key" }
    func stateFolder(_ machine: String) -> String { "\(identity.folder)/state/\(machine)" }
    /// The Unix socket on which the daemon of a machine answers.
    public func controlSocket(_ machine: String) -> String { "\(identity.folder)/\(machine).sock" }
    /// The daemon's configuration.
    public func configurationFile(_ machine: String) -> String { "\(identity.folder)/\(machine).toml" }

    /// A program that was built or installed together with this one.
    public static func ownProgram(_ name: String) throws -> String {
        let own = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let path = own.deletingLastPathComponent().appendingPathComponent(name).path
        guard FileManager.default.isExecutableFile(atPath: path) else {
            throw LabError.file(path, "not there; `swift build` makes it")
        }
        return path
    }

    /// Starts the daemon of each access router, and waits until they answer.
    public func startRouters(_ options: RouterOptions = RouterOptions()) throws {
        try writeKey()
        if options.peering != nil { try issueCertificates() }
        let machines = (1...plan.routers).map { "ar\($0)" }
        for router in 1...plan.routers {
            try DaemonConfiguration.router(router, options, in: self)
                .write(toFile: configurationFile("ar\(router)"), atomically: true, encoding: .utf8)
        }
        let started = try machines.map { ($0, try startDaemon($0)) }
        for (machine, process) in started { try waitForDaemon(process, on: machine) }
    }

    /// Starts the daemon of the mobile node, and waits until it answers.
    @discardableResult
    public func startNode(_ options: NodeOptions = NodeOptions()) throws -> BackgroundProcess {
        try writeKey()
        try DaemonConfiguration.node(options, in: self)
            .write(toFile: configurationFile("mn"), atomically: true, encoding: .utf8)
        let process = try startDaemon("mn")
        try waitForDaemon(process, on: "mn")
        return process
    }

    /// Starts the daemon of a machine whose configuration is written.
    public func startDaemon(_ machine: String) throws -> BackgroundProcess {
        try FileManager.default.createDirectory(atPath: stateFolder(machine), withIntermediateDirectories: true)
        return try start(
            [Self.ownProgram("anchord"), "--config", configurationFile(machine)], on: machine,
            name: "anchord-\(machine)")
    }

    public func waitForDaemon(_ process: BackgroundProcess, on machine: String) throws {
        try process.waitUntil("answering on \(controlSocket(machine))", timeout: .seconds(60)) {
            (try? ask(machine, "/v1/status")) != nil
        }
    }

    /// Kills the daemon of a machine as the kernel's out-of-memory killer would.
    public func killDaemon(_ machine: String) {
        process("anchord-\(machine)")?.stop(SIGKILL)
    }

    /// Starts the daemon of a router again, with the configuration that it had.
    public func restartRouter(_ router: Int) throws {
        try waitForDaemon(try startDaemon("ar\(router)"), on: "ar\(router)")
    }

    /// What a machine's daemon says of itself.
    public func status(_ machine: String) throws -> StatusModel {
        try JSONDecoder().decode(StatusModel.self, from: try ask(machine, "/v1/status"))
    }

    /// Packets by what became of them, by the names of the reasons.
    /// - Parameter kind: only reasons of this kind, such as `drop`.
    public func reasons(_ machine: String, kind: String? = nil) throws -> [String: UInt64] {
        let reasons = try JSONDecoder().decode([ReasonModel].self, from: try ask(machine, "/v1/drops"))
            .filter { kind == nil || $0.kind == kind }
        return Dictionary(uniqueKeysWithValues: reasons.map { ($0.reason, $0.packets) })
    }

    /// Has an operator tell a machine's daemon something.
    /// - Throws: ``LabError/commandFailed(_:_:)`` with what it says, where it refuses.
    @discardableResult
    public func anchorctl(_ arguments: [String], to machine: String) throws -> String {
        try Command([Self.ownProgram("anchorctl")] + arguments + ["--socket", controlSocket(machine)]).check()
    }

    /// The answer of a machine's daemon to a GET. One that puts programs on an interface answers after that, and the
    /// kernel makes it wait for whoever else changes interfaces, in other labs too.
    public func ask(_ machine: String, _ path: String) throws -> Data {
        Data(
            try Command([
                "curl", "--silent", "--show-error", "--fail", "--max-time", "25", "--unix-socket",
                controlSocket(machine), "http://localhost\(path)",
            ]).check().utf8)
    }

    /// The addresses of the node's interfaces in the pool of a router, as the kernel lists them.
    public func nodeAddresses(at router: Int, _ family: AddressFamily) throws -> [IPAddress] {
        let pool = AddressPlan.pool(router, family)
        return try run(["ip", "-o", "addr", "show", "scope", "global"], on: "mn")
            .split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard words.count > 3, let text = words[3].split(separator: "/").first else { return nil }
                return IPAddress(String(text))
            }.filter { pool.contains($0) }
    }

    /// Waits until the node has an address of the router's pool and the correspondent answers it.
    public func waitForAttachment(to router: Int, _ family: AddressFamily) throws -> IPAddress {
        var address: IPAddress?
        try waitUntil("an address of \(AddressPlan.pool(router, family)) at the node", timeout: .seconds(15)) {
            address = try nodeAddresses(at: router, family).first
            return address != nil
        }
        guard try reaches(AddressPlan.correspondent(family), on: "mn", from: address!) else {
            throw LabError.timedOut("an answer of the correspondent to \(address!) at router \(router)")
        }
        return address!
    }

    private func writeKey() throws {
        guard !FileManager.default.fileExists(atPath: keyFile) else { return }
        var generator = SystemRandomNumberGenerator()
        let key = (0..<4).map { _ in String(format: "%016lx", generator.next() as UInt64) }.joined()
        guard
            FileManager.default.createFile(
                atPath: keyFile, contents: Data((key + "\n").utf8), attributes: [.posixPermissions: 0o600])
        else { throw LabError.file(keyFile, String(cString: strerror(errno))) }
    }
}

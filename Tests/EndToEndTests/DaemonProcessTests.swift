import Foundation
import NetworkLab
import Testing

/// A program's end: what it printed and its exit code.
private struct Finished {
    var code: Int32
    var output: String
    var errors: String
}

private func run(_ program: String, _ arguments: [String], in namespace: String? = nil) throws -> Finished {
    let process = Process()
    let command = namespace.map { ["nsenter", "--net=/run/netns/\($0)"] } ?? []
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = command + [program.hasPrefix("anchor") ? "\(binaryFolder)/\(program)" : program] + arguments
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let text = try output.fileHandleForReading.readToEnd() ?? Data()
    let problems = try errors.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Finished(
        code: process.terminationStatus, output: String(decoding: text, as: UTF8.self),
        errors: String(decoding: problems, as: UTF8.self))
}

/// An access router in a namespace of its own, with an access and a core link that lead nowhere.
private final class RouterMachine {
    let name = "fa-d\(UInt32.random(in: 0x1000...0xffff))"
    let folder: String
    var socket: String { folder + "/control.sock" }
    var configuration: String { folder + "/anchord.toml" }
    private var processes: [Process] = []

    init() throws {
        folder = FileManager.default.temporaryDirectory.path + "/\(name)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        _ = try EndToEndTests.run("ip", ["netns", "add", name])
        for (link, address) in [("acc0", "10.1.0.1/24"), ("core0", "192.0.2.2/28")] {
            for words in [
                ["link", "add", link, "type", "veth", "peer", "name", link + "-far"], ["link", "set", link, "up"],
                ["link", "set", link + "-far", "up"], ["addr", "add", address, "dev", link],
            ] {
                let done = try EndToEndTests.run("ip", ["-n", name] + words)
                try #require(done.code == 0, "\(done.errors)")
            }
        }
        try write()
    }

    deinit {
        for process in processes where process.isRunning {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        _ = try? EndToEndTests.run("anchorctl", ["unload", "--instance", name])
        _ = try? EndToEndTests.run("ip", ["netns", "del", name])
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// - Parameters:
    ///   - extra: lines at the top level.
    ///   - server: name of a server between `srv0` and `srv1`.
    func write(_ extra: String = "", server: String? = nil) throws {
        var text = """
            instance = "\(name)"
            state-directory = "\(folder)/state"
            control-socket = "\(socket)"
            \(extra)
            [access-router]
            endpoints = ["192.0.2.2"]
            core-interfaces = ["core0"]
            [[access-router.access]]
            interface = "acc0"
            gateway = "10.1.0.1/24"
            pools = "10.1.0.0/24"

            """
        if let server {
            text += """
                [[access-router.server]]
                name = "\(server)"
                inside = "srv0"
                outside = "srv1"
                when-down = "refuse"
                """
        }
        try text.write(toFile: configuration, atomically: true, encoding: .utf8)
    }

    /// Starts the daemon and waits until it answers.
    func start() throws -> Process {
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "nsenter", "--net=/run/netns/\(name)", "\(binaryFolder)/anchord", "--config", configuration,
        ]
        _ = FileManager.default.createFile(atPath: folder + "/log", contents: nil)
        process.standardError = FileHandle(forWritingAtPath: folder + "/log")
        try process.run()
        processes.append(process)
        try wait("an answer") { try control("status").code == 0 }
        return process
    }

    func control(_ arguments: String...) throws -> Finished {
        try EndToEndTests.run("anchorctl", arguments + ["--socket", socket])
    }

    var log: String { (try? String(contentsOfFile: folder + "/log", encoding: .utf8)) ?? "" }

    func wait(_ what: String, _ condition: () throws -> Bool) throws {
        for _ in 0..<3000 {
            if try condition() { return }
            poll(nil, 0, 10)
        }
        Issue.record("never happened: \(what); the log: \(log)")
        throw CancellationError()
    }

    /// Name of the XDP program on an interface.
    func program(on interface: String) throws -> Bool {
        try EndToEndTests.run("ip", ["-n", name, "link", "show", interface]).output.contains("xdp")
    }
}

@Suite(.enabled(if: isRoot, "namespaces and bpf(2) need root"), .serialized) struct DaemonProcessTests {
    @Test func `a mistaken configuration is refused as a whole, with lines, and nothing is touched`() throws {
        let machine = try RouterMachine()
        try machine.write("log-levle = \"info\"\ncontrol-group = \"no such group\"")
        for arguments in [["--check"], []] {
            let end = try run("anchord", ["--config", machine.configuration] + arguments, in: machine.name)
            #expect(end.code == 78)
            #expect(end.errors.contains(":4: log-levle: unknown key; did you mean 'log-level'?"))
            #expect(end.errors.contains(":5: control-group"))
        }
        #expect(try run("anchorctl", ["config", "check", machine.configuration]).code == 78)
        #expect(!FileManager.default.fileExists(atPath: machine.folder + "/state"))
        #expect(try !machine.program(on: "acc0"))
        try machine.write()
        #expect(try run("anchord", ["--config", machine.configuration, "--check"], in: machine.name).code == 0)
    }

    @Test func `a static host is made, shown, and gone; each kind of failure has its exit code`() throws {
        let machine = try RouterMachine()
        #expect(try machine.control("status").code == 69)
        _ = try machine.start()
        let empty = try machine.control("host", "list", "-o", "jsonl")
        #expect(empty.code == 0 && empty.output.isEmpty)
        let mac = "02:00:00:00:00:09"
        #expect(try machine.control("host", "add", "10.1.0.9", "--interface", "acc0", "--mac", mac).code == 0)
        #expect(try machine.control("host", "list", "-o", "json").output.contains("\"10.1.0.9\""))
        #expect(try machine.control("host", "show", "10.1.0.9").output.contains(mac))
        #expect(try machine.control("host", "show", "10.1.0.10").code == 66)
        #expect(try machine.control("host", "add", "10.1.0.1", "--interface", "acc0", "--mac", mac).code == 73)
        #expect(try machine.control("host", "add", "10.1.0.11", "--interface", "core0", "--mac", mac).code == 65)
        #expect(try machine.control("host", "add", "nonsense").code == 64)
        #expect(try machine.control("flow", "list").code == 73)
        #expect(try machine.control("map", "dump", "nonsense").code == 66)
        #expect(try machine.control("host", "delete", "10.1.0.9").code == 0)
        #expect(try machine.control("host", "delete", "10.1.0.9").code == 66)
    }

    @Test func `a server is taken out of service until it is put back, over restarts, too`() throws {
        let machine = try RouterMachine()
        #expect(
            try run("ip", ["-n", machine.name, "link", "add", "srv0", "type", "veth", "peer", "name", "srv1"]).code == 0
        )
        for leg in ["srv0", "srv1"] { _ = try run("ip", ["-n", machine.name, "link", "set", leg, "up"]) }
        try machine.write(server: "firewall")
        let first = try machine.start()
        func row() throws -> [String] {
            let lines = try machine.control("server", "list").output.split(separator: "\n")
            #expect(lines.first == "NAME      KIND        INTERFACES  STATE  LINK  MARK  WHEN DOWN  CHAIN")
            return (lines.last ?? "").split(separator: " ").map(String.init)
        }
        let (up, down) = (["up", "up", "-", "refuse", "acc0"], ["down", "up", "down", "refuse", "acc0"])
        let begin = ["firewall", "two-legged", "srv0", "srv1"]
        try machine.wait("the legs") { try row() == begin + up }
        for _ in 1...2 { #expect(try machine.control("server", "down", "firewall").code == 0) }
        #expect(try row() == begin + down)
        #expect(try machine.control("status").output.contains("warning: server firewall is marked down"))
        let metrics = try run("curl", ["-s", "--unix-socket", machine.socket, "http://localhost/metrics"]).output
        #expect(metrics.contains(#"flowanchor_server_marked_down{server="firewall"} 1"#))
        #expect(metrics.contains(#"flowanchor_server_up{server="firewall"} 0"#))
        let absent = try machine.control("server", "down", "nonsense")
        #expect(absent.code == 66)
        #expect(absent.errors.contains("servers are: firewall"))
        #expect(try machine.control("server", "sideways", "firewall").code == 64)

        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        let second = try machine.start()
        #expect(try row() == begin + down)
        #expect(try machine.control("server", "up", "firewall").code == 0)
        #expect(try row() == begin + up)
        #expect(try !machine.control("status").output.contains("marked down"))

        kill(second.processIdentifier, SIGTERM)
        second.waitUntilExit()
        let marks = machine.folder + "/state/servers-down.json"
        #expect(try String(contentsOfFile: marks, encoding: .utf8) == "[]")
        try "firewall".write(toFile: marks, atomically: true, encoding: .utf8)
        let third = try run("anchord", ["--config", machine.configuration], in: machine.name)
        #expect(third.code == 74)
        #expect(third.errors.contains("\(marks) is no JSON list of servers' names"))
    }

    @Test func `marks are told to whoever watches, once each`() throws {
        let machine = try RouterMachine()
        try machine.write(server: "firewall")
        _ = try machine.start()
        let log = machine.folder + "/events"
        _ = FileManager.default.createFile(atPath: log, contents: nil)
        let monitor = Process()
        monitor.executableURL = URL(filePath: binaryFolder + "/anchorctl")
        monitor.arguments = ["monitor", "-o", "jsonl", "--count", "2", "--socket", machine.socket]
        monitor.standardOutput = FileHandle(forWritingAtPath: log)
        try monitor.run()
        defer { monitor.terminate() }
        var isDown = false
        // It may not watch yet.
        try machine.wait("the events") {
            isDown.toggle()
            for _ in 1...2 { _ = try machine.control("server", isDown ? "down" : "up", "firewall") }
            return !monitor.isRunning
        }
        let events = try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n")
        #expect(events.count == 2)
        for event in events { #expect(event.contains(#""kind":"server-marked""#), "\(event)") }
        #expect(events.filter { $0.contains(#""state":"down""#) }.count == 1)
    }

    @Test func `a router without peering has no peers, and one with it says why there is no session`() throws {
        let machine = try RouterMachine()
        let first = try machine.start()
        let without = try machine.control("peer", "list")
        #expect(without.code == 73 && without.errors.contains("its configuration has no [peering]"))
        kill(first.processIdentifier, SIGTERM)
        first.waitUntilExit()

        let folder = machine.folder + "/pki"
        #expect(try run("anchorctl", ["pki", "init", "--folder", folder]).code == 0)
        #expect(try run("anchorctl", ["pki", "issue", "ar1", "--address", "192.0.2.2", "--folder", folder]).code == 0)
        let peering = """
            [peering]
            certificate-file = "pki/ar1.crt"
            key-file = "pki/ar1.key"
            ca-file = "pki/ca.crt"
            [[peer]]
            name = "ar2"
            address = "192.0.2.3"
            """
        try machine.write(peering)
        _ = try machine.start()
        try machine.wait("the reason") {
            try machine.control("status").output.contains("warning: no session with peer ar2: can't connect")
        }
        let ping = try machine.control("peer", "ping", "ar2")
        #expect(ping.code == 75 && ping.errors.contains("no session with 'ar2'"), "\(ping.errors)")
        #expect(try machine.control("peer", "ping", "ar9").code == 66)
        let doctor = try run(
            "anchorctl", ["doctor", "--config", machine.configuration, "-o", "jsonl"], in: machine.name)
        #expect(doctor.output.contains("ar1.crt ends on 20"), "\(doctor.output)")

        // The key of another one: refused as a whole, the running daemon goes on.
        let former = try String(contentsOfFile: folder + "/ar1.crt", encoding: .utf8)
        #expect(try run("anchorctl", ["pki", "renew", "ar1", "--folder", folder]).code == 0)
        try former.write(toFile: folder + "/ar1.crt", atomically: true, encoding: .utf8)
        let check = try run("anchord", ["--config", machine.configuration, "--check"])
        #expect(check.code == 78 && check.errors.contains("ar1.key is not the key of"), "\(check.errors)")
        try machine.wait("the news") { machine.log.contains("the changed certificate files are not used") }
        #expect(try machine.control("status").code == 0)
    }

    @Test func `curl can speak to it`() throws {
        let machine = try RouterMachine()
        _ = try machine.start()
        func curl(_ path: String) throws -> String {
            try run("curl", ["-s", "--unix-socket", machine.socket, "http://localhost" + path]).output
        }
        #expect(try curl("/v1/hosts") == "[]")
        #expect(try curl("/metrics").contains("flowanchor_packets_total{kind=\"drop\",reason=\"source_unknown\"} 0"))
        #expect(try curl("/openapi.json").contains("/v1/hosts/{address}"))
    }

    @Test func `a damaged journal stops the start, and leaves no program that knows of no lease`() throws {
        let machine = try RouterMachine()
        let state = machine.folder + "/state"
        try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
        // A frame of four bytes whose digest is wrong, and more behind it.
        let frame: [UInt8] = [0, 0, 0, 4] + [UInt8](repeating: 9, count: 8) + [0, 2, 1, 1]
        try Data(frame + frame).write(to: URL(filePath: state + "/journal"))
        let ended = try run("anchord", ["--config", machine.configuration], in: machine.name)
        #expect(ended.code == 74)
        #expect(ended.errors.contains("byte 0 and what follows is damaged"))
        #expect(!FileManager.default.fileExists(atPath: "/sys/fs/bpf/flowanchor/\(machine.name)"))
        // Moved away, it is in nobody's way.
        try FileManager.default.moveItem(atPath: state + "/journal", toPath: state + "/journal.damaged")
        _ = try machine.start()
    }

    @Test func `a second daemon of the instance is refused and the first one goes on`() throws {
        let machine = try RouterMachine()
        let first = try machine.start()
        let second = try run("anchord", ["--config", machine.configuration], in: machine.name)
        #expect(second.code == 75)
        #expect(second.errors.contains("\(first.processIdentifier)"))
        #expect(try machine.control("status").code == 0)
    }

    @Test(arguments: ["access-router", "mobile-node"])
    func `where another instance has the port, a daemon is refused and leaves nothing in the kernel`(role: String)
        throws
    {
        let machine = try RouterMachine()
        _ = try machine.start()
        let other = machine.name + "-other"
        let file = machine.folder + "/other.toml"
        let (key, id) = (machine.folder + "/key", role == "mobile-node" ? 1 : 2)
        try (0..<32).map { String(format: "%02x", $0 * 7 + 1) }.joined().write(
            toFile: key, atomically: true, encoding: .utf8)
        chmod(key, 0o600)
        let rest =
            role == "mobile-node"
            ? "interfaces = [\"acc0\"]\nspi = 257\nkey-file = \"\(key)\""
            : """
            endpoints = ["192.0.2.2"]
            core-interfaces = ["core0"]
            [[access-router.access]]
            interface = "acc0"
            gateway = "10.1.0.1/24"
            pools = "10.1.0.0/24"
            """
        try """
        instance = "\(other)"
        state-directory = "\(machine.folder)/other"
        control-socket = "\(machine.folder)/other.sock"
        [\(role)]
        id = \(id)
        \(rest)
        """.write(toFile: file, atomically: true, encoding: .utf8)
        let end = try run("anchord", ["--config", file], in: machine.name)
        #expect(end.code == 75)
        #expect(end.errors.contains("UDP port 4346"))
        #expect(!FileManager.default.fileExists(atPath: "/sys/fs/bpf/flowanchor/\(other)"))
        #expect(try machine.control("status").code == 0)
    }

    @Test func `killed, it leaves its programs and tables in force, and the next one takes them over`() throws {
        let machine = try RouterMachine()
        let first = try machine.start()
        #expect(try machine.control("host", "add", "10.1.0.9", "--care-of", "203.0.113.5").code == 0)
        kill(first.processIdentifier, SIGKILL)
        first.waitUntilExit()
        #expect(try machine.program(on: "acc0") && machine.program(on: "core0"))
        _ = try machine.start()
        #expect(try machine.control("status", "-o", "json").output.contains("\"adopted\":true"))
        #expect(try machine.control("host", "show", "10.1.0.9").output.contains("203.0.113.5"))
    }

    @Test func `terminated, it leaves the data plane; unloading leaves nothing behind`() throws {
        let machine = try RouterMachine()
        let first = try machine.start()
        kill(first.processIdentifier, SIGTERM)
        first.waitUntilExit()
        #expect(first.terminationStatus == 0)
        #expect(!FileManager.default.fileExists(atPath: machine.socket))
        #expect(try machine.program(on: "acc0"))
        let second = try machine.start()
        #expect(try run("anchorctl", ["unload", "--instance", machine.name]).code == 73)
        #expect(try machine.control("unload").code == 0)
        second.waitUntilExit()
        #expect(second.terminationStatus == 0, "\(machine.log)")
        #expect(try !machine.program(on: "acc0") && !machine.program(on: "core0"))
        #expect(!FileManager.default.fileExists(atPath: "/sys/fs/bpf/flowanchor/\(machine.name)"))
        #expect(try run("anchorctl", ["unload", "--instance", machine.name]).code == 66)
    }

    @Test func `a changed configuration is taken by the same process, a mistaken one is not`() throws {
        let machine = try RouterMachine()
        let process = try machine.start()
        try machine.write("log-levle = \"debug\"")
        kill(process.processIdentifier, SIGHUP)
        try machine.wait("the refusal") { machine.log.contains("the configuration has mistakes") }
        #expect(try machine.control("status").code == 0)
        try machine.write("log-format = \"json\"")
        kill(process.processIdentifier, SIGHUP)
        try machine.wait("the new format") { machine.log.contains("\"message\":\"ready\"") }
        #expect(process.isRunning)
        try machine.wait("an answer") { try machine.control("status").code == 0 }
    }

    @Test func `an interface that comes later gets its program, and one that is gone is named`() throws {
        let machine = try RouterMachine()
        _ = try run("ip", ["-n", machine.name, "link", "del", "acc0"])
        _ = try machine.start()
        #expect(try machine.control("status").output.contains("acc0: there is no such interface"))
        _ = try run("ip", ["-n", machine.name, "link", "add", "acc0", "type", "veth", "peer", "name", "acc0-far"])
        _ = try run("ip", ["-n", machine.name, "link", "set", "acc0", "up"])
        try machine.wait("the program") { try machine.program(on: "acc0") }
    }

    @Test func `another program on an interface is reported and left alone`() throws {
        let machine = try RouterMachine()
        let object = binaryFolder + "/FlowAnchor_BPFObjects.resources/bpfkit.bpf.o"
        let foreign = try run(
            "ip", ["-n", machine.name, "link", "set", "dev", "core0", "xdp", "obj", object, "sec", "xdp"])
        try #require(foreign.code == 0, "\(foreign.errors)")
        let before = try run("ip", ["-n", machine.name, "link", "show", "core0"]).output
        _ = try machine.start()
        #expect(try machine.control("status").output.contains("is left alone"))
        #expect(try run("ip", ["-n", machine.name, "link", "show", "core0"]).output == before)
    }
}

import ControlAPI
import Foundation
import NetworkTypes
import Testing

@Suite struct ControlServerTests {
    /// Runs a server on a socket of its own for as long as `body` runs.
    func serving(
        _ service: FakeService = FakeService(), _ body: (ControlClient, String) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "fa-\(UUID().uuidString.prefix(8)).sock").path
        let running = Task { try await ControlServer(path: path, service: service).run() }
        defer { running.cancel() }
        let client = ControlClient(socket: path)
        // Other suites may hold all processors for half a minute.
        let deadline = ContinuousClock.now + .seconds(60)
        while (try? await client.status()) == nil {
            try #require(ContinuousClock.now < deadline, "the server does not answer")
            await Task.yield()
        }
        try await body(client, path)
    }

    /// On a thread of its own: the server under test needs those of the concurrency runtime.
    func curl(_ path: String, _ arguments: String...) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(with: Result { try run("curl", ["--silent", "--unix-socket", path] + arguments) })
            }
        }
    }

    @Test func `hosts are made, listed and removed`() async throws {
        try await serving { client, _ in
            let address = IPAddress("2001:db8::9")!
            #expect(try await client.hosts().isEmpty)
            let made = try await client.setHost(StaticHostModel(address: address, careOf: IPAddress("192.0.2.1")))
            #expect(made.place == .tunnelled)
            #expect(try await client.host(address) == made)
            try await client.deleteHost(address)
            #expect(try await client.hosts().isEmpty)
        }
    }

    @Test func `a server is marked down and up again, whatever characters its name has`() async throws {
        try await serving { client, path in
            let name = "fire wall/1"
            for _ in 1...2 {
                let down = try await client.setServerState(name, ServerStateModel(state: .down))
                #expect(down.isMarkedDown && down.areLegsUp && !down.isUp)
                #expect(try await client.servers() == [down])
            }
            #expect(try await client.setServerState(name, ServerStateModel(state: .up)).isUp)
            let absent = await #expect(throws: ControlError.self) {
                try await client.setServerState("fire", ServerStateModel(state: .down))
            }
            #expect(absent == ControlError(.notFound, "there is no server 'fire'"))
            let state = "http://localhost/v1/servers/fire%20wall%2F1/state"
            #expect(
                try await curl(path, "-X", "PUT", "-d", #"{"state":"down"}"#, state).contains(#""isMarkedDown":true"#))
            let answer = try await curl(
                path, "-X", "PUT", "-d", #"{"state":"off"}"#, "-w", " %{http_code}", state)
            #expect(answer.contains("'state': 'up' or 'down', not 'off'") && answer.hasSuffix(" 400"))
            #expect(try await client.servers()[0].isMarkedDown)
        }
    }

    @Test func `nodes and handovers are asked for by their address and number`() async throws {
        try await serving { client, path in
            let nodes = try await client.nodes()
            #expect(nodes.map(\.place) == [.away])
            #expect(try await client.node(nodes[0].address) == nodes[0])
            #expect(try await client.handovers().map(\.number) == [7])
            try await client.attachNode(nodes[0].address, StationModel(interface: "acc0", mac: .zero))
            await #expect(throws: ControlError.self) {
                try await client.attachNode(nodes[0].address, StationModel(interface: "wlan9", mac: .zero))
            }
            #expect(try await curl(path, "http://localhost/v1/nodes/10.0.0.1").contains("is no node here"))
            #expect(try await curl(path, "http://localhost/v1/handovers/7").contains(#""to":"ar2""#))
            #expect(try await curl(path, "http://localhost/v1/handovers/8").contains("only the last ones are kept"))
            #expect(try await curl(path, "http://localhost/v1/handovers/x").contains("is not a handover's number"))
        }
    }

    @Test func `translated flows are asked for by host, protocol and number`() async throws {
        try await serving { client, path in
            let all = try await client.translatedFlows(TranslatedFlowQuery())
            #expect(all.map(\.transport) == ["tcp", "udp", "icmp"])
            let host = IPAddress("10.0.0.7")!
            let some = try await client.translatedFlows(TranslatedFlowQuery(host: host, transport: .udp, limit: 1))
            #expect(some.map(\.transport) == ["udp"] && some[0].inside == host)
            #expect(try await client.translatedFlows(TranslatedFlowQuery(limit: 2)).count == 2)
            let flows = "http://localhost/v1/nat/flows"
            #expect(try await curl(path, flows + "?protocol=sctp").contains("none of tcp, udp, icmp"))
            #expect(try await curl(path, flows + "?host=x").contains("is not an IP address"))
        }
    }

    @Test func `a packet is asked about with all that is said of it`() async throws {
        try await serving { client, path in
            let query = PacketQuery(
                flow: "tcp,[fd01::7]:40112,[2001:db8:9::9]:443", direction: .down, interface: "core0",
                tunnel: [IPAddress("2001:db8::2")!, IPAddress("2001:db8::1")!], key: 7, sequence: .max,
                mac: MACAddress(bits: 0x02_00_00_00_00_07), opens: true, length: 1500)
            // The fake one says what it was asked.
            let asked = try await client.explain(query).headers
            #expect(asked == "\(query)")
            let short = PacketQuery(flow: "udp,10.0.0.1:53,10.0.0.2:53")
            #expect(try await client.explain(short).headers == "\(short)")
            let explain = "http://localhost/v1/flows/explain"
            #expect(try await curl(path, explain).contains("write flow=tcp"))
            for (wrong, words) in [
                ("direction=left", "neither up nor down"), ("tunnel=10.0.0.1,x", "is not an IP address"),
                ("key=-1", "is no such number"), ("mac=7", "is not a MAC address"), ("opens=7", "neither true"),
            ] {
                #expect(try await curl(path, explain + "?flow=\(short.flow)&\(wrong)").contains(words), "\(wrong)")
            }
        }
    }

    @Test func `a subscriber is found by its inside address`() async throws {
        try await serving { client, _ in
            let all = try await client.subscribers()
            #expect(try await client.subscriber(all[0].inside) == all[0])
            let absent = await #expect(throws: ControlError.self) {
                try await client.subscriber(IPAddress("10.0.0.9")!)
            }
            #expect(absent?.kind == .notFound)
        }
    }

    @Test func `peers are listed and pinged, and a ping says what it can`() async throws {
        try await serving { client, path in
            #expect(try await client.peers().map(\.name) == ["ar2"])
            #expect(try await client.pingPeer("ar2", timeout: 2).roundTrip == 0.002)
            #expect(try await client.pingPeer("ar2", timeout: 0.5).roundTrip == nil)
            let absent = await #expect(throws: ControlError.self) { try await client.pingPeer("ar9", timeout: 2) }
            #expect(absent?.kind == .notFound)
            let wrong = try await curl(path, "-X", "POST", "http://localhost/v1/peers/ar2/ping?timeout=x")
            #expect(wrong.contains("timeout 'x' is not a number of seconds"))
            #expect(
                try await curl(path, "-X", "POST", "http://localhost/v1/peers/ar2/ping")
                    == #"{"peer":"ar2","roundTrip":0.002}"#)
        }
    }

    @Test func `errors keep their kind and say what to do`() async throws {
        try await serving { client, _ in
            let address = IPAddress("10.0.0.1")!
            let absent = await #expect(throws: ControlError.self) { try await client.deleteHost(address) }
            #expect(absent?.kind == .notFound)
            let empty = await #expect(throws: ControlError.self) {
                try await client.setHost(StaticHostModel(address: address))
            }
            #expect(empty == ControlError(.invalid, "neither interface nor careOf", nextStep: "say where the host is"))
            let other = await #expect(throws: ControlError.self) {
                try await client.attach(AttachModel(interface: "wlan0"))
            }
            #expect(other?.kind == .conflict)
        }
    }

    @Test func `events come as they happen, a line each`() async throws {
        try await serving { client, path in
            var kinds: [String] = []
            for await event in await client.events() { kinds.append(event.kind) }
            #expect(kinds == ["attached", "moved"])
            let lines = try await curl(path, "http://localhost/v1/events").split(separator: "\n")
            #expect(lines.count == 2)
        }
    }

    @Test(.timeLimit(.minutes(1))) func `events are there before more come`() async throws {
        try await serving(FakeService(endsEvents: false)) { client, _ in
            var kinds: [String] = []
            for await event in await client.events() {
                kinds.append(event.kind)
                if kinds.count == 2 { break }
            }
            #expect(kinds == ["attached", "moved"])
        }
    }

    @Test func `curl reads what anchorctl reads`() async throws {
        try await serving { _, path in
            let status = try JSONDecoder().decode(
                StatusModel.self, from: Data(try await curl(path, "http://localhost/v1/status").utf8))
            #expect(status.instance == "ar1")
            #expect(try await curl(path, "http://localhost/v1/maps/fa_hosts?limit=2").contains("\"key\":\"1\""))
            #expect(
                try await curl(path, "http://localhost/metrics").contains(#"flowanchor_packets_total{reason="a\"b"} 7"#)
            )
            let code = try await curl(path, "-o", "/dev/null", "-w", "%{http_code}", "http://localhost/v1/nothing")
            #expect(code == "404")
            #expect(
                try await curl(path, "-X", "PUT", "-d", "{", "http://localhost/v1/hosts/10.0.0.1").contains("no JSON"))
        }
    }

    @Test func `a key of a map arrives as it was written`() async throws {
        try await serving { client, _ in
            for key in ["10.0.0.1@9", "tcp,[2001:db8::1]:80,[2001:db8::2]:5000", "a&b=c+d %2f"] {
                let found = try await client.mapEntries("fa_flows", key: key, limit: 5)
                #expect(found == [MapEntryModel(key: key, fields: ["name": "fa_flows"])])
            }
            #expect(try await client.mapEntries("fa_hosts", key: nil, limit: 2).count == 2)
        }
    }

    @Test func `the socket is its owner's alone`() async throws {
        try await serving { _, path in
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
        }
    }

    @Test func `a second server on one socket is refused`() async throws {
        try await serving { client, path in
            let error = await #expect(throws: ControlError.self) {
                try await ControlServer(path: path, service: FakeService()).run()
            }
            #expect(error?.kind == .conflict)
            let status = try await client.status()
            #expect(status.instance == "ar1")
        }
    }

    @Test func `a daemon that is not there is named with what to do`() async throws {
        let error = await #expect(throws: ControlError.self) {
            try await ControlClient(socket: "/nonexistent/x.sock").status()
        }
        #expect(error?.kind == .unreachable)
        #expect(error?.nextStep != nil)
    }
}

/// What a program prints, where it succeeds.
private func run(_ program: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program, "--max-time", "20"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
        throw ControlError(.failure, "\(program) ended with \(process.terminationStatus)")
    }
    return String(decoding: output, as: UTF8.self)
}

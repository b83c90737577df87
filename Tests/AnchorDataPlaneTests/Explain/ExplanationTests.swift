import BPFKit
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// Packets that are asked about in words: what is said of each is what the program does with it, and to say it changes
/// nothing.
@Suite(.kernel) struct ExplanationTests {
    /// A packet, and what is said of it.
    struct Case: Sendable {
        var name: String
        var flow: String
        var change: @Sendable (inout PacketQuestion) -> Void = { _ in }
        var interface: String
        var reason: String?
        var verdict: PacketExplanation.Verdict
        var headers: String
        var after: String?
        /// Of the look-ups: with whether something is there.
        var lookUps: [String: Bool]
    }

    private static let cases: [Case] = [
        Case(
            name: "mode A, a host on its link (A1)", flow: "tcp,10.1.0.10:40000,198.51.100.9:80", interface: "p1",
            reason: "forwarded", verdict: .sent(interface: "p2"), headers: "[10.1.0.10>198.51.100.9]",
            after: "[10.1.0.10>198.51.100.9]", lookUps: ["10.1.0.10": true, "198.51.100.9": true]),
        Case(
            name: "mode A, through its server (S1)", flow: "udp,10.1.0.11:40000,198.51.100.9:80", interface: "p1",
            reason: "to_server", verdict: .sent(interface: "p3"), headers: "[10.1.0.11>198.51.100.9]",
            after: "[10.1.0.11>198.51.100.9]", lookUps: ["10.1.0.11": true, "1": true]),
        Case(
            name: "mode A, a host that is elsewhere, up (A2, A3)", flow: "tcp,10.1.0.16:40000,198.51.100.9:80",
            interface: "p2", reason: "forwarded", verdict: .sent(interface: "p2"),
            headers: "[203.0.113.9>192.0.2.1][10.1.0.16>198.51.100.9]", after: "[10.1.0.16>198.51.100.9]",
            lookUps: ["10.1.0.16": true]),
        Case(
            name: "mode A, down to it (A4, A5)", flow: "tcp,10.1.0.16:40000,198.51.100.9:80",
            change: { $0.isDown = true }, interface: "p2", reason: "encapsulated", verdict: .sent(interface: "p2"),
            headers: "[198.51.100.9>10.1.0.16]", after: "[192.0.2.1>203.0.113.9][198.51.100.9>10.1.0.16]",
            lookUps: ["10.1.0.16": true]),
        Case(
            name: "mode A, an ordered tunnel (A12)", flow: "udp,10.1.0.19:40000,198.51.100.9:80", interface: "p2",
            reason: "forwarded", verdict: .sent(interface: "p2"),
            headers: "[203.0.113.9>192.0.2.1] GRE(key, seq) [10.1.0.19>198.51.100.9]",
            after: "[10.1.0.19>198.51.100.9]", lookUps: ["10.1.0.19": true]),
        Case(
            name: "an ordered tunnel without its number", flow: "udp,10.1.0.19:40000,198.51.100.9:80",
            change: { question in
                question.tunnel = .init(
                    source: IPAddress("203.0.113.9")!, destination: IPAddress("192.0.2.1")!, key: 78)
            }, interface: "p2", reason: "tunnel_kind_mismatch", verdict: .dropped,
            headers: "[203.0.113.9>192.0.2.1] GRE(key) [10.1.0.19>198.51.100.9]", lookUps: ["10.1.0.19": true]),
        Case(
            name: "mode A in IPv6", flow: "tcp,[2001:db8:5::10]:40000,[2001:db8:c::7]:443",
            change: { $0.isDown = true },
            interface: "p2", reason: "encapsulated", verdict: .sent(interface: "p2"),
            headers: "[2001:db8:c::7>2001:db8:5::10]",
            after: "[192.0.2.1>203.0.113.9][2001:db8:c::7>2001:db8:5::10]", lookUps: ["2001:db8:5::10": true]),
        Case(
            name: "an unknown host", flow: "udp,10.1.0.200:40000,198.51.100.9:80", interface: "p1",
            reason: "source_unknown", verdict: .dropped, headers: "[10.1.0.200>198.51.100.9]",
            lookUps: ["10.1.0.200": false]),
        Case(
            name: "a host at another station", flow: "udp,10.1.0.10:40000,198.51.100.9:80",
            change: { $0.station = DifferentialWorld.station(40) }, interface: "p1", reason: "source_not_here",
            verdict: .dropped, headers: "[10.1.0.10>198.51.100.9]", lookUps: ["10.1.0.10": true]),
        Case(
            name: "a tunnel from nobody", flow: "udp,10.1.0.10:40000,198.51.100.9:80",
            change: { question in
                question.tunnel = .init(source: IPAddress("198.18.0.1")!, destination: IPAddress("192.0.2.1")!)
            }, interface: "p2", reason: "peer_unknown", verdict: .dropped,
            headers: "[198.18.0.1>192.0.2.1][10.1.0.10>198.51.100.9]",
            lookUps: ["198.18.0.1": false, "10.1.0.10": true, "10.1.0.10,198.18.0.1": false]),
        Case(
            name: "a neighbour that isn't known yet", flow: "udp,10.1.0.23:40000,198.51.100.9:80",
            change: { $0.isDown = true }, interface: "p2", reason: "to_kernel_unresolved", verdict: .kernel,
            headers: "[198.51.100.9>10.1.0.23]", after: "[192.0.2.1>203.0.113.9][198.51.100.9>10.1.0.23]",
            lookUps: ["10.1.0.23": true]),
        Case(
            name: "no route", flow: "udp,10.1.0.10:40000,203.0.113.200:80", interface: "p1", reason: "no_route",
            verdict: .dropped, headers: "[10.1.0.10>203.0.113.200]", lookUps: ["203.0.113.200": true]),
        Case(
            name: "too big for its tunnel", flow: "udp,10.1.0.22:40000,198.51.100.9:80",
            change: { ($0.isDown, $0.length) = (true, 1400) }, interface: "p2", reason: "icmp_too_big",
            verdict: .sent(interface: "p2"), headers: "[198.51.100.9>10.1.0.22]", after: "[192.0.2.1>198.51.100.9]",
            lookUps: ["10.1.0.22": true]),
        Case(
            name: "what isn't ours", flow: "udp,198.51.100.4:1,198.51.100.5:2", interface: "p2", verdict: .kernel,
            headers: "[198.51.100.4>198.51.100.5]", after: "[198.51.100.4>198.51.100.5]",
            lookUps: ["198.51.100.5": false]),
    ]

    @Test func `in mode A it is said what the program does`() throws {
        let world = try ExplanationWorld("explain-a")
        for example in Self.cases { try check(example, in: world) }
    }

    private static let roaming: [Case] = [
        Case(
            name: "a flow that began here, up (D1)", flow: "tcp,10.1.0.10:40000,198.51.100.9:80", interface: "p1",
            reason: "forwarded", verdict: .sent(interface: "p2"), headers: "[10.1.0.10>198.51.100.9]",
            after: "[192.0.2.1>198.51.100.9]", lookUps: ["up,tcp,10.1.0.10:40000,198.51.100.9:80": true]),
        Case(
            name: "its answers", flow: "tcp,10.1.0.10:40000,198.51.100.9:80", change: { $0.isDown = true },
            interface: "p2", reason: "delivered", verdict: .sent(interface: "p1"), headers: "[198.51.100.9>192.0.2.1]",
            after: "[198.51.100.9>10.1.0.10]", lookUps: ["10.1.0.10": true]),
        Case(
            name: "an answer that nobody has asked for, to what isn't this router's own too",
            flow: "udp,192.0.2.9:7777,198.51.100.9:80", change: { $0.isDown = true }, interface: "p2",
            reason: "nat_unmatched", verdict: .dropped, headers: "[198.51.100.9>192.0.2.9]",
            lookUps: ["down,udp,192.0.2.9:7777,198.51.100.9:80": false, "udp,192.0.2.9:7777": false]),
        Case(
            name: "what is for this router", flow: "udp,192.0.2.1:7777,198.51.100.9:80", change: { $0.isDown = true },
            interface: "p2", verdict: .kernel, headers: "[198.51.100.9>192.0.2.1]",
            after: "[198.51.100.9>192.0.2.1]", lookUps: ["down,udp,192.0.2.1:7777,198.51.100.9:80": false]),
        Case(
            name: "a new flow", flow: "tcp,10.1.0.10:40001,198.51.100.9:80", change: { $0.opens = true },
            interface: "p1", reason: "forwarded", verdict: .sent(interface: "p2"), headers: "[10.1.0.10>198.51.100.9]",
            after: "[192.0.2.1>198.51.100.9]",
            lookUps: [
                "up,tcp,10.1.0.10:40001,198.51.100.9:80": false, "mapping,tcp,10.1.0.10:40001,0.0.0.0:0": false,
                "10.1.0.10": true, "192.0.2.1:1024": true,
            ]),
        Case(
            name: "a new flow of a mapping and a filter", flow: "udp,10.1.0.10:5353,198.51.100.9:54", interface: "p1",
            reason: "forwarded", verdict: .sent(interface: "p2"), headers: "[10.1.0.10>198.51.100.9]",
            after: "[192.0.2.1>198.51.100.9]",
            lookUps: [
                "mapping,udp,10.1.0.10:5353,0.0.0.0:0": true, "filter,udp,10.1.0.10:5353,198.51.100.9:0": true,
            ]),
        Case(
            name: "an echo", flow: "icmp,10.1.0.10:77,198.51.100.9:0", interface: "p1", reason: "forwarded",
            verdict: .sent(interface: "p2"), headers: "[10.1.0.10>198.51.100.9]", after: "[192.0.2.1>198.51.100.9]",
            lookUps: ["up,icmp,10.1.0.10:77,198.51.100.9:0": false]),
        Case(
            name: "a connection that isn't known", flow: "tcp,10.1.0.10:40002,198.51.100.9:80", interface: "p1",
            reason: "nat_not_open", verdict: .dropped, headers: "[10.1.0.10>198.51.100.9]",
            lookUps: ["up,tcp,10.1.0.10:40002,198.51.100.9:80": false]),
        Case(
            name: "more flows than it may have", flow: "udp,10.1.0.14:1000,198.51.100.9:53", interface: "p1",
            reason: "nat_quota", verdict: .dropped, headers: "[10.1.0.14>198.51.100.9]", lookUps: ["10.1.0.14": true]),
        Case(
            name: "a roaming host whose flow began elsewhere (D3)", flow: "tcp,10.1.0.10:50000,198.51.100.9:80",
            interface: "p1", reason: "to_anchor", verdict: .sent(interface: "p2"), headers: "[10.1.0.10>198.51.100.9]",
            after: "[192.0.2.1>203.0.113.21][10.1.0.10>198.51.100.9]",
            lookUps: ["away,tcp,10.1.0.10:50000,198.51.100.9:80": true, "0": true]),
        Case(
            name: "its answers out of the tunnel (D3)", flow: "tcp,10.1.0.10:50000,198.51.100.9:80",
            change: { $0.isDown = true }, interface: "p2", reason: "delivered", verdict: .sent(interface: "p1"),
            headers: "[203.0.113.21>192.0.2.1][198.51.100.9>10.1.0.10]", after: "[198.51.100.9>10.1.0.10]",
            lookUps: ["203.0.113.21": true, "10.1.0.10": true]),
        Case(
            name: "the same from a router that it never was at", flow: "tcp,10.1.0.10:50000,198.51.100.9:80",
            change: { question in
                question.isDown = true
                question.tunnel = .init(source: IPAddress("203.0.113.22")!, destination: IPAddress("192.0.2.1")!)
            }, interface: "p2", reason: "inner_source_unknown", verdict: .dropped,
            headers: "[203.0.113.22>192.0.2.1][198.51.100.9>10.1.0.10]", lookUps: ["203.0.113.22": true]),
        Case(
            name: "a roaming host that is gone, of a flow that began here (D3)",
            flow: "udp,10.1.0.16:6000,198.51.100.9:53", interface: "p2", reason: "forwarded",
            verdict: .sent(interface: "p2"), headers: "[203.0.113.9>192.0.2.1][10.1.0.16>198.51.100.9]",
            after: "[192.0.2.1>198.51.100.9]", lookUps: ["10.1.0.16": true]),
        Case(
            name: "a host that is let in by its first packet", flow: "udp,10.1.0.200:1000,198.51.100.9:53",
            interface: "p1", reason: "held", verdict: .held, headers: "[10.1.0.200>198.51.100.9]",
            lookUps: ["10.1.0.200": false]),
    ]

    @Test func `in mode D it is said what the program does`() throws {
        let world = try ExplanationWorld("explain-d", translates: true)
        for example in Self.roaming { try check(example, in: world) }
    }

    private func check(_ example: Case, in world: ExplanationWorld) throws {
        var question = try PacketQuestion(flow: example.flow)
        example.change(&question)
        let before = try world.dump()
        let said = try world.kernel.explain(question)
        #expect(try world.dump() == before, "\(example.name): asking changes nothing")
        #expect(said.interface == example.interface, "\(example.name)")
        #expect(said.reason?.name == example.reason, "\(example.name)")
        #expect(said.verdict == example.verdict, "\(example.name)")
        #expect(said.headers == example.headers, "\(example.name)")
        #expect(said.headersAfter == example.after, "\(example.name)")
        for (key, isThere) in example.lookUps {
            let found = said.lookUps.filter { $0.key == key }
            #expect(found.contains { ($0.found != nil) == isThere }, "\(example.name): \(key) in \(said.lookUps)")
        }
        // What dumps call by these names.
        for lookUp in said.lookUps where lookUp.map != .configuration {
            let entry = try world.kernel.entries(of: lookUp.map, key: lookUp.key, limit: 1)
            #expect(entry.isEmpty == (lookUp.found == nil), "\(example.name): \(lookUp)")
        }
        try world.expectSame(said, example.name)
    }

    @Test func `what can't be asked is refused in words`() throws {
        let world = try ExplanationWorld("explain-refused")
        let udp = "udp,10.1.0.10:1,198.51.100.9:2"
        let cases: [(String, (inout PacketQuestion) -> Void, String)] = [
            ("udp,10.1.0.10:1,[2001:db8::1]:2", { _ in }, "one family"),
            (udp, { $0.interface = "p9" }, "there are: p1, p2, p3, p4, p5"),
            (udp, { $0.length = 27 }, "28 to 65535 bytes, not 27"), (udp, { $0.length = 65536 }, "not 65536"),
            (
                udp,
                { $0.tunnel = .init(source: IPAddress("10.0.0.1")!, destination: IPAddress("2001:db8::1")!) },
                "not of one family"
            ),
        ]
        for (flow, change, words) in cases {
            var question = try PacketQuestion(flow: flow)
            change(&question)
            let error = #expect(throws: DataPlaneError.self) { try world.kernel.explain(question) }
            #expect(error?.description.contains(words) == true, "\(String(describing: error))")
        }
        #expect(throws: DataPlaneError.self) { try PacketQuestion(flow: "tcp,10.0.0.1") }
    }

    @Test func `where the kernel's routes are asked, it is said so`() throws {
        let world = try ExplanationWorld("explain-kernel", translates: true)
        var configuration = world.kernel.configuration
        configuration.routesByKernel = true
        try world.kernel.setConfiguration(configuration)
        let said = try world.kernel.explain(PacketQuestion(flow: "tcp,10.1.0.10:40000,198.51.100.9:80"))
        #expect(said.asksKernel)
        #expect(said.headersAfter == "[192.0.2.1>198.51.100.9]")
        #expect(said.lookUps.contains { $0.found?["route"] == "the kernel's" })
        // What has a route of its own isn't left to them.
        let other = try world.kernel.explain(PacketQuestion(flow: "udp,10.1.0.10:1000,203.0.113.200:80"))
        #expect(!other.asksKernel && other.reason?.name == "no_route")
    }
}

import ControlAPI
import Foundation
import NetworkTypes

/// A lab whose node knows nothing of its routers, all of which have the same gateway, and has applications running that
/// began at router 1.
final class RoamingLab {
    let lab: Lab
    let run: ScenarioRun
    let server: WebServer
    /// The node's address, which it keeps.
    let node: IPAddress
    let original: Download
    let call: NumberedTraffic
    var timeline = Timeline()

    /// Starts everything at router 1; `M` is named, in IPv4 as the correspondent knows it at each router.
    /// - Parameters:
    ///   - bytesPerSecond: of each download.
    ///   - securePorts: where the web server is there over TLS, too.
    init(
        _ run: ScenarioRun, routers: Int = 3, bytesPerSecond: Int = 1 << 20, securePorts: [Int] = []
    ) throws {
        self.run = run
        lab = try run.makeLab(LabPlan(routers: routers, hasCommonGateway: true))
        try lab.startRouters(RouterOptions(translates: true, hostsAreUnaware: true, peering: run.family))
        try lab.waitForSessions()
        try lab.configureRoamingNode(at: 1)
        try lab.attach(to: 1)
        node =
            run.family == .v4
            ? AddressPlan.roamingNode(1, .v4) : try lab.waitForAttachment(to: 1, .v6)
        run.names["M"] = node
        guard try lab.answers(run.correspondent, on: "mn", from: node) else {
            throw LabError.timedOut("an answer of the correspondent to \(node) at router 1")
        }
        server = try WebServer(on: lab, fileSize: 1 << 30, bytesPerSecond: bytesPerSecond, securePorts: securePorts)
        original = try Download(on: lab, from: server, family: run.family, name: "original", source: node)
        try original.waitForProgress(200_000)
        let datagrams = try DatagramCounter(lab, on: "cn")
        let before = try datagrams.received()
        call = try NumberedTraffic(on: lab, from: node, rate: 100)
        try waitUntil("the call to begin") { try datagrams.received() > before }
    }

    /// Plugs the node in at another router, and waits until its download goes on.
    func move(to router: Int) throws {
        timeline.note("to router \(router)")
        try lab.roam(to: router)
        try original.waitForProgress(100_000)
    }

    /// A flow as it is beyond a router: IPv4 has that router's address.
    func outside(_ router: String) -> String { run.family == .v4 ? "[\(router)>C]" : "[M>C]" }

    /// Whether router `old` sends the node's packets to router `new`.
    func checkGone(from old: Int, to new: Int) throws {
        let (node, careOf) = (node, AddressPlan.endpoint(new, run.family))
        let isGone = try pollUntil(timeout: .seconds(10)) {
            let host = try lab.host(node, at: old)
            return host?.place == .tunnelled && host?.careOf == careOf
        }
        let host = try lab.host(node, at: old)
        run.check("router \(old) has the node at router \(new)", isGone, host.map { "\($0)" } ?? "not there")
    }

    func checkHere(at router: Int) throws {
        let isHere = try pollUntil(timeout: .seconds(10)) { try lab.host(node, at: router)?.place == .attached }
        run.check("router \(router) has the node on its link", isHere)
    }

    func host(at router: Int) throws -> HostModel? { try lab.host(node, at: router) }

    /// Flows of the node that a router knows.
    func flows(at router: Int) throws -> [TranslatedFlowModel] {
        guard run.family == .v4 else { return [] }
        return try JSONDecoder().decode(
            [TranslatedFlowModel].self, from: try lab.ask("ar\(router)", "/v1/nat/flows?host=\(node)"))
    }

    /// Captures the TCP packets of links while the download goes on for a while.
    func observe(_ links: [String], label: String) throws -> Observation {
        try run.observe(links, in: lab, label: label, filter: "tcp.port == 80") {
            try original.waitForArrivals(300_000)
        }
    }

    /// Names the address that the node uses for what it begins at a router: in IPv4 the one that it has always had.
    func nameNewAddress(at router: Int, _ name: String) throws -> String {
        guard run.family == .v6 else { return "M" }
        run.names[name] = try lab.waitForAttachment(to: router, .v6)
        return name
    }

    /// Waits until no router waits for another's table any more.
    func waitForTransfers(at routers: [Int]) throws {
        let isWhole = try pollUntil(timeout: .seconds(15)) {
            // In IPv6 the router where the address began stays the one to ask.
            try routers.allSatisfy { try run.family == .v6 || lab.host(node, at: $0)?.previous == nil }
        }
        let waiting = try routers.compactMap { router -> String? in
            guard let previous = try lab.host(node, at: router)?.previous else { return nil }
            let log = lab.process("anchord-ar\(router)")?.log.split(separator: "\n").suffix(6).joined(separator: " | ")
            return "router \(router) waits for \(previous): \(log ?? "")"
        }
        run.check("the tables of flows have arrived", isWhole, waiting.joined(separator: "; "))
    }

    /// The applications have noticed nothing.
    func checkApplications() throws {
        run.check(
            "the download that began at router 1 is still running", original.process.isRunning,
            "\(original.bytes) bytes so far")
        let (up, down) = try call.stop()
        for (end, outcome) in [("correspondent", up), ("node", down)] {
            run.check(
                "the call that began at router 1 still reaches the \(end)", outcome.arrivals.count > 0,
                "\(outcome.lost) of \(outcome.sent) lost" + outcome.gaps.map { timeline.place($0.before) }.joined())
            run.check("each of its packets comes once to the \(end)", outcome.repeated == 0, "\(outcome.repeated)")
        }
    }
}

extension Lab {
    /// Waits until each router has a session with each other one.
    func waitForSessions() throws {
        let routers = plan.routers
        try waitUntil("sessions between all routers", timeout: .seconds(40)) {
            try (1...routers).allSatisfy { router in
                try peers(of: router).values.filter { $0.state == .up }.count == routers - 1
            }
        }
    }
}

import ControlAPI
import NetworkTypes

extension Scenario {
    static let serverDown = Scenario(
        "server-down",
        "flows of a server that is marked down, or whose link is lost, are refused or go past it, until it is back"
    ) { run in
        try refusesFlows(run)
        try goesPastServer(run)
    }

    /// `when-down = "refuse"`: nothing passes without the firewall.
    private static func refusesFlows(_ run: ScenarioRun) throws {
        let anchored = try AnchoredLab(run, plan: LabPlan(routers: 1), routers: RouterOptions(whenDown: .refuse))
        let lab = anchored.lab
        try anchored.beginOriginalFlow()
        for outage in Outage.allCases {
            let row = "refuse, \(outage.rawValue):"
            try checkOutage(outage, begins: true, row, run, lab)
            if outage == .mark {
                lab.killDaemon("ar1")
                try lab.restartRouter(1)
                run.check("\(row) a restarted daemon knows of it", try !lab.server(at: 1).isUp)
            }
            let before = try lab.reasons("ar1", kind: "drop")
            let links = outage.links + ["cn"]
            let seen = try run.observe(links, in: lab, label: "refuse-\(outage)", filter: "tcp || \(run.echoFilter)") {
                let stalls = anchored.original?.stalls(for: .seconds(2)) ?? false
                run.check("\(row) the download stands still", stalls, "\(anchored.original?.bytes ?? 0) bytes")
                let pings = try lab.ping(run.correspondent, on: "mn", from: run.names["oM"])
                run.check("\(row) no ping is answered", pings.sent > 0 && pings.received == 0, "\(pings.sent) sent")
            }
            for link in outage.links { run.checkAbsent(row, "oM", from: link, in: seen) }
            let up = try HeaderStack("[oM>C]", run.names)
            let leaked = seen.stacks(on: "cn", of: up.innermost!)
            run.check(
                "\(row) nothing reaches the correspondent", leaked.isEmpty, "\(leaked.values.reduce(0, +)) packets")
            let after = try lab.reasons("ar1", kind: "drop")
            let grown = after.filter { $0.value > before[$0.key, default: 0] }
            let counts = grown.map { "\($0.key) +\($0.value - before[$0.key, default: 0])" }.sorted()
            run.check(
                "\(row) dropped as server_down, and for no other reason", Set(grown.keys) == ["server_down"],
                counts.joined(separator: ", "))

            let stopped = try lab.firewallCounters(1)
            try checkOutage(outage, begins: false, row, run, lab)
            try anchored.original?.waitForProgress(200_000)
            let going = try lab.firewallCounters(1)
            run.check(
                "\(row) afterwards the same connection goes on through the firewall", going.known > stopped.known,
                "\(stopped.known) packets before, \(going.known) after")
            anchored.checkOriginalFlowSurvives()
        }
        lab.remove()
    }

    /// `when-down = "bypass"`: what began through the firewall goes on without it, here and after a move. It is a flow of
    /// datagrams, since a firewall refuses a TCP connection that went far on without it.
    private static func goesPastServer(_ run: ScenarioRun) throws {
        let anchored = try AnchoredLab(run, plan: LabPlan(routers: 2), routers: RouterOptions(whenDown: .bypass))
        let lab = anchored.lab
        for outage in Outage.allCases {
            try checkPassesBy(outage, "attached", core: ["[oM>C]"], run, lab)
        }
        try anchored.move(to: 2, named: "nM")
        try waitUntil("the tunnel to nM at router 1") {
            try lab.host(run.names["oM"]!, at: 1)?.careOf == run.names["nM"]
        }
        try checkPassesBy(.mark, "moved", core: ["[nM>oA][oM>C]", "[oM>C]"], run, lab)
    }

    /// - Parameter core: the header stacks on the link from router 1 to the core.
    private static func checkPassesBy(
        _ outage: Outage, _ place: String, core: [String], _ run: ScenarioRun, _ lab: Lab
    ) throws {
        let row = "bypass, \(place), \(outage.rawValue):"
        let filter = "udp.port == 7002 || \(run.echoFilter)"
        let traffic = try NumberedTraffic(on: lab, from: run.names["oM"]!, rate: 500, name: "\(place)-\(outage)")
        func pings(_ what: String) throws {
            let result = try lab.ping(run.correspondent, on: "mn", from: run.names["oM"], count: 20)
            run.check("\(row) \(what)", result.isComplete, "\(result.received) of \(result.sent) pings answered")
        }
        try pings("before, the correspondent answers")

        try checkOutage(outage, begins: true, row, run, lab)
        let stopped = try lab.firewallCounters(1)
        let around = try run.observe(
            outage.links + ["ar1-core", "cn"], in: lab, label: "\(place)-\(outage)-down", filter: filter
        ) { try pings("meanwhile, it answers, too") }
        for link in outage.links { run.checkAbsent(row, "oM", from: link, in: around) }
        try run.checkWalk(row, on: "ar1-core", core, in: around)
        try run.checkWalk(row, on: "cn", ["[oM>C]"], in: around)
        let standing = try lab.firewallCounters(1)
        run.check(
            "\(row) the firewall has nothing to do", standing.known == stopped.known && standing.begun == stopped.begun,
            "\(standing)")

        try checkOutage(outage, begins: false, row, run, lab)
        let legs = Outage.mark.links
        let through = try run.observe(legs, in: lab, label: "\(place)-\(outage)-up", filter: filter) {
            try pings("afterwards, it answers")
        }
        for link in legs { try run.checkWalk("\(row) afterwards", on: link, ["[oM>C]"], in: through) }
        let (up, down) = try traffic.stop()
        let losses = "\(up.lost) of \(up.sent) up, \(down.lost) of \(down.sent) down"
        switch outage {
        // Both ways are there while one takes the other's place.
        case .mark: run.check("\(row) no datagram is lost", up.lost == 0 && down.lost == 0, losses)
        // What went into the lost link is lost with it.
        case .link: run.check("\(row) the flow goes on", up.lost < up.sent && down.lost < down.sent, losses)
        }
    }

    /// Begins or ends it, and waits until the daemon knows.
    private static func checkOutage(
        _ outage: Outage, begins: Bool, _ row: String, _ run: ScenarioRun, _ lab: Lab
    ) throws {
        switch outage {
        case .mark: try lab.anchorctl(["server", begins ? "down" : "up", "fw1"], to: "ar1")
        case .link: try lab.run(["ip", "link", "set", "in0", begins ? "down" : "up"], on: "fw1")
        }
        let isTold = try pollUntil(timeout: .seconds(10), every: 50) { try lab.server(at: 1).isUp != begins }
        guard isTold else { throw LabError.timedOut("the server to be \(begins ? "down" : "up")") }
        let server = try lab.server(at: 1)
        run.check(
            "\(row) the server is shown as \(begins ? "down, and why" : "up")",
            server.isMarkedDown == (begins && outage == .mark) && server.areLegsUp != (begins && outage == .link),
            "links \(server.areLegsUp ? "up" : "down"), \(server.isMarkedDown ? "" : "not ")marked down")
    }
}

/// What takes a server out of service.
private enum Outage: String, CaseIterable {
    case mark = "marked down"
    case link = "link lost"

    /// The server's links that can be captured meanwhile.
    var links: [String] { self == .mark ? ["fw1-inside", "fw1-outside"] : ["fw1-outside"] }
}

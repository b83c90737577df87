import NetworkTypes

extension Scenario {
    static let transparentServer = Scenario(
        "S1",
        "the stateful server at router 1 keeps its connection; without anchoring the same move breaks it [0041] [0044b]"
    ) { run in
        for kind in [ServerKind.twoLegged, .oneLegged] { try serverKeepsItsConnection(run, kind) }
        try breaksWithoutAnchoring(run)
    }

    static let serverControl = Scenario(
        "S1-control", "without anchoring, the move breaks the connection at the second firewall [0006]"
    ) { run in try breaksWithoutAnchoring(run) }

    private static func serverKeepsItsConnection(_ run: ScenarioRun, _ kind: ServerKind) throws {
        let anchored = try AnchoredLab(run, plan: LabPlan(routers: 2, server: kind))
        let lab = anchored.lab
        try anchored.beginOriginalFlow()
        let (first, second) =
            kind == .twoLegged ? (["fw1-inside", "fw1-outside"], ["fw2-inside", "fw2-outside"]) : (["fw1"], ["fw2"])
        let attached = try anchored.observeOriginalFlow(first, label: "\(kind.rawValue)-attached")
        for link in first { try run.checkWalk("S1 \(kind.rawValue), attached,", on: link, ["[oM>C]"], in: attached) }
        try anchored.move(to: 2, named: "nM")
        let before = try lab.firewallCounters(1)
        let moved = try anchored.observeOriginalFlow(first + second, label: "\(kind.rawValue)-moved")
        for link in first { try run.checkWalk("S1 \(kind.rawValue), moved,", on: link, ["[oM>C]"], in: moved) }
        for link in second { run.checkAbsent("S1 \(kind.rawValue), moved,", "oM", from: link, in: moved) }
        let after = try lab.firewallCounters(1)
        run.check(
            "S1 \(kind.rawValue): firewall 1 goes on with the connection that it knows", after.known > before.known,
            "\(before.known) packets before, \(after.known) after")
        anchored.checkOriginalFlowSurvives()
        lab.remove()
    }

    /// The control: the same move with anchoring off. What breaks the connection is the second firewall,
    /// which has not seen it begin [0006]; so without that firewall it must survive.
    private static func breaksWithoutAnchoring(_ run: ScenarioRun) throws {
        for firewalled in [true, false] {
            let lab = try run.makeLab(LabPlan(routers: 2))
            try lab.routePlainly()
            try lab.attach(to: 1)
            try lab.configureNode(at: 1)
            if !firewalled { try lab.run(["nft", "flush", "ruleset"], on: "fw2") }
            let node = AddressPlan.fixedNode(1, run.family)
            run.names["oM"] = node
            let server = try WebServer(on: lab, fileSize: 1 << 30, bytesPerSecond: 2 << 20)
            guard
                run.check(
                    "control: the correspondent answers through router 1",
                    try lab.answers(run.correspondent, on: "mn", from: node))
            else { return }
            let download = try Download(on: lab, from: server, family: run.family, name: "download", source: node)
            try download.waitForProgress(1 << 20)
            let before = try lab.firewallCounters(1)
            run.check("control: the connection passes firewall 1", before.begun > 0 && before.known > 10, "\(before)")
            if firewalled {
                try checkFirewallBreaks(download, run, lab)
            } else {
                try lab.moveWithHostRoutes(from: 1, to: 2)
                try download.waitForProgress(1 << 20)
                run.check(
                    "control: with firewall 2 switched off the same connection survives the same move",
                    download.process.isRunning, "\(download.bytes) bytes")
            }
            lab.remove()
        }
    }

    private static func checkFirewallBreaks(_ download: Download, _ run: ScenarioRun, _ lab: Lab) throws {
        let captures = try lab.capture(["fw2-inside", "fw2-outside"], label: "control-moved", snapLength: 200)
        try lab.moveWithHostRoutes(from: 1, to: 2)
        run.check(
            "control: after the move nothing more arrives", download.stalls(for: .seconds(3)), "\(download.bytes) bytes"
        )
        captures.forEach { $0.stop() }
        let counters = try lab.firewallCounters(2)
        run.check("control: firewall 2 refused its packets", counters.refused > 0 && counters.begun == 0, "\(counters)")
        let up = try HeaderStack("[oM>C]", run.names)
        let (inside, outside) = (try captures[0].packets(filter: "tcp"), try captures[1].packets(filter: "tcp"))
        run.check(
            "control: packets reached firewall 2 and none came through",
            outside.contains { $0.stack == up.reversed } && !outside.contains { $0.stack == up }
                && !inside.contains { $0.stack == up.reversed },
            "\(outside.count) on the outer leg, \(inside.count) on the inner leg")
        run.check(
            "control: a new connection through firewall 2 works",
            try lab.answers(run.correspondent, on: "mn", from: AddressPlan.fixedNode(1, run.family)))
    }
}

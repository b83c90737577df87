import NetworkTypes

extension Scenario {
    static let beforeTheMove = Scenario("A1", "before the move, packets pass router 1 and its server unchanged [0043b]")
    {
        run in
        let anchored = try AnchoredLab(run)
        let lab = anchored.lab
        let before = try lab.firewallCounters(1)
        let links = ["ar1-access", "fw1-inside", "fw1-outside", "ar1-core", "cn"]
        let seen = try run.observe(links, in: lab, label: "attached", filter: run.echoFilter) {
            let result = try lab.ping(run.correspondent, on: "mn", from: run.names["oM"], count: 5)
            run.check("all pings are answered", result.isComplete, "\(result.received) of \(result.sent)")
        }
        for link in links { try run.checkWalk("A1", on: link, ["[oM>C]"], in: seen) }
        let after = try lab.firewallCounters(1)
        run.check("the firewall at router 1 has seen the flow begin", after.begun > before.begun, "\(after)")
        try anchored.beginOriginalFlow()
        anchored.checkOriginalFlowSurvives()
    }

    static let newFlow = Scenario("A6", "what begins after the move uses router 2 and its server alone") { run in
        let anchored = try AnchoredLab(run)
        let lab = anchored.lab
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        let links = ["ar2-access", "fw2-inside", "fw2-outside", "ar2-core", "cn", "ar1-core", "fw1-inside"]
        let seen = try run.observe(links, in: lab, label: "new-flow", filter: "tcp") {
            let download = try Download(on: lab, from: anchored.server, family: run.family, name: "new")
            try download.waitForArrivals(300_000)
            run.check("a new download works", download.process.isRunning, "\(download.bytes) bytes")
            download.process.stop()
        }
        for link in links.prefix(5) { try run.checkWalk("A6", on: link, ["[nM>C]"], in: seen) }
        for link in links.suffix(2) {
            run.check(
                "A6 on \(link): nothing of the new flow",
                seen.stacks(on: link, of: (run.names["nM"]!, run.correspondent)).isEmpty
                    && seen.stacks(on: link, of: (run.correspondent, run.names["nM"]!)).isEmpty)
        }
        anchored.checkOriginalFlowSurvives()
    }
}

extension ScenarioRun {
    /// Pings alone, in either family.
    var echoFilter: String {
        family == .v4 ? "icmp.type == 8 || icmp.type == 0" : "icmpv6.type == 128 || icmpv6.type == 129"
    }
}

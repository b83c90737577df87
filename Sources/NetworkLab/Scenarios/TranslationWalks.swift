import NetworkTypes

extension Scenario {
    static let translated = Scenario(
        "A10", "with NAT at the router anchoring is unchanged: the flow leaves router 1 as its own [0053]"
    ) { run in
        let anchored = try AnchoredLab(run, routers: RouterOptions(translates: true))
        let lab = anchored.lab
        let (old, new) = (run.outside("oM", at: "oA"), run.outside("nM", at: "nA"))
        try anchored.beginOriginalFlow()
        let before = try anchored.observeOriginalFlow(
            ["ar1-access", "fw1-inside", "fw1-outside", "ar1-core", "cn"], label: "before")
        for link in ["ar1-access", "fw1-inside", "fw1-outside"] {
            try run.checkWalk("A10", on: link, ["[oM>C]"], in: before)
        }
        for link in ["ar1-core", "cn"] { try run.checkWalk("A10", on: link, [old], in: before) }
        try anchored.move(to: 2, named: "nM")
        let after = try run.observe(
            ["ar2-access", "ar2-core", "ar1-core", "fw1-inside", "fw2-inside", "fw2-outside", "cn"], in: lab,
            label: "moved", filter: "tcp"
        ) {
            let second = try Download(on: lab, from: anchored.server, family: run.family, name: "second")
            try second.waitForArrivals(200_000)
            try anchored.original?.waitForArrivals(200_000)
            run.check("what begins at router 2 works", second.process.isRunning, "\(second.bytes) bytes so far")
            second.process.stop()
        }
        for walk in ["[nM>oA][oM>C]", "[nM>C]"] { try run.checkWalk("A10", on: "ar2-access", [walk], in: after) }
        // In IPv6 it is one flow on both sides of router 1, in IPv4 two.
        let walks = run.family == .v4 ? [["[nM>oA][oM>C]"], [old]] : [["[nM>oA][oM>C]", old]]
        for walk in walks { try run.checkWalk("A10", on: "ar1-core", walk, in: after) }
        try run.checkWalk("A10", on: "fw1-inside", ["[oM>C]"], in: after)
        for link in ["fw2-inside", "fw2-outside"] {
            try run.checkWalk("A10", on: link, ["[nM>C]"], in: after)
            run.checkAbsent("A10", "oM", from: link, in: after)
        }
        try run.checkWalk("A10", on: "ar2-core", [new], in: after)
        for walk in [old, new] { try run.checkWalk("A10", on: "cn", [walk], in: after) }
        anchored.checkOriginalFlowSurvives()
        try run.checkNothingDropped(by: lab, at: [1, 2])
    }

    static let unawareBefore = Scenario(
        "D1", "a node that knows nothing is let in by its first packet, and its flows leave router 1 as its own [0079]"
    ) { run in
        let lab = try run.makeLab(LabPlan(routers: 1))
        try lab.startRouters(RouterOptions(translates: true, hostsAreUnaware: true))
        run.names["M"] = AddressPlan.fixedNode(1, run.family)
        try lab.attach(to: 1)
        try lab.configureNode(at: 1)
        let server = try WebServer(on: lab, fileSize: 1 << 30, bytesPerSecond: 1 << 20)
        let outside = run.outside("M", at: "oA")
        // The very first packets: one is handed over before its host is known.
        let pings = try lab.ping(run.correspondent, on: "mn", count: 5)
        run.check("no packet is lost, not even the first", pings.isComplete, pings.summary)
        let host = try lab.host(run.names["M"]!, at: 1)
        run.check(
            "router 1 has the node in its host table", host?.place == .attached, host.map { "\($0)" } ?? "not there")
        let links = ["ar1-access", "fw1-inside", "fw1-outside", "ar1-core", "cn"]
        let seen = try run.observe(links, in: lab, label: "attached", filter: "tcp") {
            let download = try Download(on: lab, from: server, family: run.family, name: "download")
            try download.waitForArrivals(500_000)
            run.check("a download works", download.process.isRunning, "\(download.bytes) bytes")
            download.process.stop()
        }
        for link in links.prefix(3) { try run.checkWalk("D1", on: link, ["[M>C]"], in: seen) }
        for link in links.suffix(2) { try run.checkWalk("D1", on: link, [outside], in: seen) }
        let big = try lab.ping(run.correspondent, on: "mn", count: 3, size: 4000)
        run.check("packets in fragments pass", big.isComplete, big.summary)
        let hop = try lab.hop(2, to: run.correspondent, on: "mn", from: run.names["M"]!)
        run.check(
            "an ICMP error from beyond router 1 reaches the node", hop == AddressPlan.coreGateway(1, run.family),
            hop.map { "\($0)" } ?? "none")
        let refused = try lab.reaches(run.correspondent, on: "mn", from: run.names["M"]!)
        run.check("a refused connection is refused to the node", refused)
        try run.checkNothingDropped(by: lab, at: [1])
    }
}

extension Scenario {
    static let translationOutlivesDaemon = Scenario(
        "D1-killed",
        "the daemon of a router that translates is killed: flows go on, and a new daemon finds all as it was"
    ) { run in
        let lab = try run.makeLab(LabPlan(routers: 1))
        try lab.startRouters(RouterOptions(translates: true, hostsAreUnaware: true))
        let node = AddressPlan.fixedNode(1, run.family)
        try lab.attach(to: 1)
        try lab.configureNode(at: 1)
        let server = try WebServer(on: lab, fileSize: 1 << 30, bytesPerSecond: 1 << 20)
        let first = try Download(on: lab, from: server, family: run.family, name: "first")
        try first.waitForProgress(200_000)

        lab.killDaemon("ar1")
        try first.waitForProgress(500_000)
        // Its host is known, and has ports: the programs need nobody for a new flow.
        let second = try Download(on: lab, from: server, family: run.family, name: "second")
        try second.waitForProgress(200_000)
        run.check("while no daemon runs, a new download begins", second.process.isRunning, "\(second.bytes) bytes")

        try lab.restartRouter(1)
        run.check("the restarted daemon has adopted the tables", try lab.status("ar1").adopted)
        run.check("it knows the node, which nobody told it of", try lab.host(node, at: 1)?.place == .attached)
        let third = try Download(on: lab, from: server, family: run.family, name: "third")
        for (name, download) in [("first", first), ("second", second), ("third", third)] {
            try download.waitForProgress(300_000)
            run.check("the \(name) download goes on", download.process.isRunning, "\(download.bytes) bytes")
        }
        try run.checkNothingDropped(by: lab, at: [1])
    }
}

extension ScenarioRun {
    /// A flow of the host as it is beyond the router: IPv4 has the router's address.
    fileprivate func outside(_ host: String, at router: String) -> String {
        family == .v4 ? "[\(router)>C]" : "[\(host)>C]"
    }

    /// No router has dropped a packet for a reason of the NAT.
    fileprivate func checkNothingDropped(by lab: Lab, at routers: [Int]) throws {
        for router in routers {
            let dropped = try lab.reasons("ar\(router)", kind: "drop").filter {
                $0.key.hasPrefix("nat_") && $0.value > 0
            }
            check("router \(router) has dropped nothing that it could not translate", dropped.isEmpty, "\(dropped)")
        }
    }
}

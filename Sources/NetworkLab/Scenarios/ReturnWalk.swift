import NetworkTypes

extension Scenario {
    static let returnFromBoth = Scenario(
        "A9-return",
        "after both attachments were in use, the node returns to router 1: no tunnel is left for what began there [0052]"
    ) { run in
        let anchored = try AnchoredLab(run, plan: LabPlan(routers: 2, nodeInterfaces: 2))
        let lab = anchored.lab
        let old = run.names["oM"]!
        try anchored.beginOriginalFlow()
        let traffic = try NumberedTraffic(on: lab, from: old, rate: 500)
        var timeline = Timeline()
        timeline.note("link 2 came")
        try lab.attach(1, to: 2)
        let new = try lab.waitForAttachment(to: 2, run.family)
        run.names["nM"] = new
        run.check(
            "the host table of router 1 has both oM and nM",
            try pollUntil(timeout: .seconds(10)) { try lab.host(old, at: 1)?.place == .both })
        let second = try Download(on: lab, from: anchored.server, family: run.family, name: "second", source: new)
        try second.waitForProgress(200_000)

        timeline.note("link 1 went")
        try lab.unplug(0)
        run.check(
            "away from router 1, it has nM alone",
            try pollUntil(timeout: .seconds(10)) { try lab.host(old, at: 1)?.place == .tunnelled })
        try anchored.original?.waitForProgress(200_000)

        timeline.note("link 1 came back")
        try lab.attach(0, to: 1)
        let isBack = try pollUntil(timeout: .seconds(10)) { try lab.host(old, at: 1)?.place == .attached }
        let host = try lab.host(old, at: 1)
        run.check("back at router 1, it has oM alone", isBack && host?.careOf == nil)
        run.check(
            "router 2 has both nM and oM",
            try pollUntil(timeout: .seconds(10)) {
                let host = try lab.host(new, at: 2)
                return host?.place == .both && host?.careOf == old
            })
        try anchored.original?.waitForProgress(100_000)
        try second.waitForProgress(100_000)
        timeline.note("link 2 went")
        try lab.unplug(1)
        try waitUntil("router 2 to have oM for nM") { try lab.host(new, at: 2)?.place == .tunnelled }

        let links = ["ar1-access", "fw1-inside", "cn", "ar2-access", "ar2-core", "fw2-inside"]
        let seen = try run.observe(links, in: lab, label: "returned", filter: "tcp || udp.port == 7001") {
            try anchored.original?.waitForArrivals(300_000)
            try second.waitForArrivals(300_000)
        }
        for link in links.prefix(3) { try run.checkWalk("A9", on: link, ["[oM>C]"], in: seen) }
        try run.checkWalk("A2 and A5", on: "ar1-access", ["[oM>nA][nM>C]"], in: seen)
        for link in links.suffix(3) {
            for flow in [(old, run.correspondent), (run.correspondent, old)] {
                run.check(
                    "A9 on \(link): nothing of oM's flows \(flow.0 == old ? "up" : "down")",
                    seen.stacks(on: link, of: flow).isEmpty)
            }
        }
        run.checkAbsent("A9", "nM", from: "ar2-access", in: seen)
        run.checkAbsent("A9", "nM", from: "fw1-inside", in: seen)
        let (up, down) = try traffic.stop()
        for (end, outcome) in [("correspondent", up), ("node", down)] {
            run.check(
                "no packet is lost on its way to the \(end)", outcome.lost == 0,
                "\(outcome.lost) of \(outcome.sent)" + outcome.gaps.map { timeline.place($0.before) }.joined())
            run.check(
                "each comes once to the \(end)", outcome.repeated == 0,
                "\(outcome.repeated) repeated" + outcome.repetitions.map { timeline.place($0.time) }.joined())
        }

        run.check("what began at router 2 is still running", second.process.isRunning, "\(second.bytes) bytes so far")
        second.process.stop()
        run.check(
            "its flows ended, router 2 forgets nM",
            try pollUntil(timeout: .seconds(20), every: 50) { try lab.host(new, at: 2) == nil })
        run.check(
            "the node has given nM up",
            try pollUntil(timeout: .seconds(10), every: 50) { try !lab.nodeAddresses(at: 2, run.family).contains(new) })
        anchored.checkOriginalFlowSurvives()
    }
}

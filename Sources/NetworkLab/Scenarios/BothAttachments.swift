import NetworkTypes

extension Scenario {
    static let bothAttachments = Scenario(
        "A9", "attached to both routers at once, nothing is lost and the correspondent sees each packet once [0052]"
    ) { run in
        let anchored = try AnchoredLab(run, plan: LabPlan(routers: 2, nodeInterfaces: 2))
        let lab = anchored.lab
        try anchored.beginOriginalFlow()
        try lab.attach(1, to: 2)
        run.names["nM"] = try lab.waitForAttachment(to: 2, run.family)
        try waitUntil("both attachments in use at router 1", timeout: .seconds(10)) {
            try lab.host(run.names["oM"]!, at: 1)?.place == .both
        }
        run.check("the host table of router 1 has both oM and nM", true)

        let links = ["ar1-access", "ar2-access", "cn"]
        let (count, interval) = (300, "0.004")
        let pings = try lab.start(
            [
                "ping", "-n", "-c", "\(count)", "-i", interval, "-W", "2", "-I", "\(run.names["oM"]!)",
                "\(run.correspondent)",
            ],
            on: "mn", name: "ping-both")
        let seen = try run.observe(links, in: lab, label: "both", filter: run.echoFilter) {
            // The make-before-break move ends while the pings go on: the first link goes last.
            try waitUntil("pings on their way") { pings.log.split(separator: "\n").count > count / 3 }
            try lab.unplug(0)
            guard pings.wait(timeout: .seconds(20)) != nil else { throw LabError.timedOut("the pings to end") }
        }
        let result = PingResult(output: pings.log)
        run.check("no ping is lost", result.sent == count && result.isComplete, result.summary)
        run.check("no answer comes twice", !pings.log.contains("DUP!"))
        let up = try HeaderStack("[oM>C]", run.names)
        let atCorrespondent = (seen.packets["cn"] ?? []).filter { $0.stack == up }
        run.check(
            "the correspondent sees no packet twice", atCorrespondent.count <= count,
            "\(atCorrespondent.count) of \(count) in the capture")
        let (direct, tunnelled) = (up, try HeaderStack("[nM>oA][oM>C]", run.names))
        let flow = up.innermost!
        run.check(
            "A9 up on ar1-access: [oM>C] alone",
            seen.stacks(on: "ar1-access", of: flow).keys.allSatisfy { $0 == direct })
        run.check(
            "A9 up on ar2-access: [nM>oA][oM>C] alone",
            seen.stacks(on: "ar2-access", of: flow).keys.allSatisfy { $0 == tunnelled })
        run.check(
            "either or both copies are sent",
            !seen.stacks(on: "ar2-access", of: flow).isEmpty,
            "\(seen.stacks(on: "ar1-access", of: flow).values.reduce(0, +)) through router 1, "
                + "\(seen.stacks(on: "ar2-access", of: flow).values.reduce(0, +)) through router 2")
        try anchored.original?.waitForProgress(100_000)
        anchored.checkOriginalFlowSurvives()
    }
}

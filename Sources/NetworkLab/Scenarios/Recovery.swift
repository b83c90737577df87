import NetworkTypes

extension Scenario {
    static let recovery = Scenario(
        "recovery",
        "links, neighbours, interfaces, routes and addresses change under a flow in its tunnel, which goes on by itself"
    ) { run in
        let anchored = try AnchoredLab(run, plan: LabPlan(routers: 2))
        let lab = anchored.lab
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        for disturbance in Disturbance.all {
            try disturbance.happen(lab)
            try checkRecovery(run, anchored, "after \(disturbance.what)")
        }
        let links = ["ar2-access", "ar2-core", "fw1-inside", "cn"]
        let seen = try anchored.observeOriginalFlow(links, label: "recovered")
        for link in links.prefix(2) { try run.checkWalk("A2 and A5", on: link, ["[nM>oA][oM>C]"], in: seen) }
        for link in links.suffix(2) { try run.checkWalk("A3 and A4", on: link, ["[oM>C]"], in: seen) }
        run.check(
            "no daemon has ended meanwhile",
            ["ar1", "ar2", "mn"].allSatisfy { lab.process("anchord-\($0)")?.isRunning == true })
        anchored.checkOriginalFlowSurvives()
    }

    private static func checkRecovery(_ run: ScenarioRun, _ anchored: AnchoredLab, _ when: String) throws {
        guard let flow = anchored.original else { return }
        let lab = anchored.lab
        let clock = ContinuousClock()
        let start = clock.now
        func elapsed() -> String {
            let time = (clock.now - start).components
            return "\(time.seconds * 1000 + time.attoseconds / 1_000_000_000_000_000) ms"
        }
        let before = flow.bytes
        let goesOn = pollUntil(timeout: .seconds(30)) { flow.bytes > before + 200_000 || !flow.process.isRunning }
        run.check("\(when): the flow goes on", goesOn && flow.process.isRunning, elapsed())
        for (name, place) in [("oM", "old"), ("nM", "new")] {
            let isReached = try lab.reaches(
                run.correspondent, on: "mn", from: run.names[name]!, timeout: .seconds(15))
            run.check("\(when): the \(place) address can begin flows", isReached, elapsed())
        }
        var problems: [String] = []
        let isWhole = try pollUntil(timeout: .seconds(15)) {
            problems = try lab.problems(of: ["ar1", "ar2", "mn"])
            return problems.isEmpty
        }
        run.check("\(when): no daemon warns of anything", isWhole, problems.joined(separator: "; "))
        var left: UInt64 = 0
        let isForwarded = try pollUntil(timeout: .seconds(45)) {
            let before = try ["ar1", "ar2"].map { try lab.reasons($0) }
            try flow.waitForProgress(100_000)
            let after = try ["ar1", "ar2"].map { try lab.reasons($0) }
            left = zip(before, after).map { $1.leftToKernel - $0.leftToKernel }.reduce(0, +)
            return left == 0 && after[0]["encapsulated", default: 0] > before[0]["encapsulated", default: 0]
        }
        run.check("\(when): the programs forward it", isForwarded, "\(left) packets left to the kernel, \(elapsed())")
    }
}

extension Lab {
    /// What daemons warn of, and interfaces without programs.
    fileprivate func problems(of machines: [String]) throws -> [String] {
        try machines.flatMap { machine in
            let status = try status(machine)
            let bare = status.interfaces.filter { $0.mode == "none" || !$0.isUp }.map { "\($0.name) is not in use" }
            return (status.warnings + bare).map { "\(machine): \($0)" }
        }
    }
}

extension [String: UInt64] {
    /// Packets by their reason: those that the programs could not send by themselves.
    fileprivate var leftToKernel: UInt64 {
        self["to_kernel_unresolved", default: 0] + self["to_kernel_route", default: 0]
    }
}

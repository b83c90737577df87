import NetworkTypes

/// A lab with daemons, whose node has a download running that began at router 1: the original flow.
final class AnchoredLab {
    let lab: Lab
    let run: ScenarioRun
    let server: WebServer
    private(set) var original: Download?

    /// Starts everything and attaches the node to router 1; `oM` is named.
    init(
        _ run: ScenarioRun, plan: LabPlan = LabPlan(), routers: RouterOptions = RouterOptions(),
        options: NodeOptions = NodeOptions()
    ) throws {
        self.run = run
        lab = try run.makeLab(plan)
        try lab.startRouters(routers)
        try lab.attach(to: 1)
        try lab.startNode(options)
        run.names["oM"] = try lab.waitForAttachment(to: 1, run.family)
        server = try WebServer(on: lab, fileSize: 1 << 30, bytesPerSecond: 1 << 20)
    }

    /// Begins the original flow and waits until it runs.
    func beginOriginalFlow() throws {
        let download = try Download(on: lab, from: server, family: run.family, name: "original")
        original = download
        try download.waitForProgress(200_000)
    }

    /// Moves the node and waits until it can use its new place; the address there gets the name.
    func move(to router: Int, named name: String) throws {
        try lab.attach(to: router)
        run.names[name] = try lab.waitForAttachment(to: router, run.family)
        if let original {
            try original.waitForProgress(100_000)
        }
    }

    /// Captures the TCP packets of links while the original flow goes on for a while.
    func observeOriginalFlow(_ links: [String], label: String) throws -> Observation {
        try run.observe(links, in: lab, label: label, filter: "tcp") {
            try original?.waitForArrivals(300_000)
        }
    }

    /// The application has noticed nothing.
    func checkOriginalFlowSurvives() {
        guard let original else { return }
        run.check(
            "the download that began at router 1 is still running", original.process.isRunning,
            "\(original.bytes) bytes so far")
    }
}

import ControlAPI
import Foundation
import NetworkTypes

extension Scenario {
    static let applications = Scenario(
        "D2-applications",
        "web over TLS, ssh, iperf3, ping, DNS and a call go on over three moves; what begins after one uses the new router"
    ) { run in
        let scene = try RoamingApplications(run)
        try scene.begin(at: 1, binds: true)
        try scene.checkAllGoOn("at router 1")
        for router in [2, 3, 1] {
            try scene.move(to: router)
            try scene.checkAllGoOn("at router \(router)")
            try scene.beginAndObserve(at: router)
        }
        try scene.checkCalls()
        try scene.roaming.checkApplications()
    }
}

/// Ordinary applications of a node that roams, begun at each router that it comes to.
private final class RoamingApplications {
    private let run: ScenarioRun
    let roaming: RoamingLab
    private let servers: OrdinaryServers
    private var begun: [Begun] = []

    private struct Begun {
        var router: Int
        /// Of the address that they use.
        var name: String
        var applications: OrdinaryApplications
    }

    /// Comings to a router, the first one included.
    private static let occasions = 4
    private static let routerNames = [1: "oA", 2: "nA", 3: "cA"]

    init(_ run: ScenarioRun) throws {
        self.run = run
        roaming = try RoamingLab(
            run, bytesPerSecond: 1 << 18, securePorts: (0..<Self.occasions).map(OrdinaryServers.webPort))
        servers = try OrdinaryServers(on: roaming.lab, web: roaming.server, occasions: Self.occasions)
    }

    /// Begins one of each kind.
    func begin(at router: Int, binds: Bool) throws {
        let name = router == 1 ? "M" : try roaming.nameNewAddress(at: router, router == 2 ? "nM" : "cM")
        let source = run.names[name] ?? roaming.node
        if !binds {
            let choice = Command(["ip", "route", "get", "\(run.correspondent)"], in: roaming.lab.namespace("mn"))
            let isChosen = try pollUntil(timeout: .seconds(15), every: 50) {
                try choice.run().output.contains("src \(source) ")
            }
            run.check("what the node begins at router \(router) has the address \(name)", isChosen, "\(source)")
        }
        begun.append(
            Begun(
                router: router, name: name,
                applications: try OrdinaryApplications(
                    on: roaming.lab, servers, occasion: begun.count, source: source, binds: binds)))
    }

    func move(to router: Int) throws {
        try roaming.move(to: router)
        try roaming.checkHere(at: router)
        try roaming.waitForTransfers(at: [1, 2, 3])
    }

    func checkAllGoOn(_ place: String) throws {
        for one in begun { try one.applications.all.forEach { try $0.markProgress() } }
        for one in begun {
            for application in one.applications.all {
                let what = "\(application.name), begun at router \(one.router)\(occasion(one))"
                do {
                    try application.waitForProgress()
                    run.check("\(what): goes on \(place)", application.isRunning)
                } catch {
                    run.check("\(what): goes on \(place)", false, "\(error)")
                }
            }
        }
    }

    private func occasion(_ one: Begun) -> String {
        one.router == 1 && one.applications.occasion > 0 ? " the second time" : ""
    }

    /// Begins one of each kind while the link between the router and the core is captured.
    func beginAndObserve(at router: Int) throws {
        let link = "ar\(router)-core"
        let captures = try roaming.lab.capture([link], label: "occasion-\(begun.count)")
        defer { captures.forEach { $0.stop() } }
        try begin(at: router, binds: false)
        try checkAllGoOn("when others begin at router \(router)")
        captures.forEach { $0.stop() }
        guard let first = begun.first, let last = begun.last, let capture = captures.first else { return }
        let bad = try HeaderReader.countBadChecksums(capture.path)
        run.check("every checksum is right (at router \(router))", bad == 0, "\(bad) wrong")
        try check(last, "D4", on: capture, outside(last))
        // With the server between.
        try checkExplained(last, at: router, "to_server", "[\(last.name)>C]")
        if first.router == router {
            try check(first, "D10", on: capture, outside(first))
            try checkExplained(first, at: router, "to_server", "[\(first.name)>C]")
        } else {
            let (here, anchor) = (Self.routerNames[router] ?? "", Self.routerNames[first.router] ?? "")
            let walk = "[\(here)>\(anchor)][\(first.name)>C]"
            try check(first, "D3", on: capture, walk)
            try checkExplained(first, at: router, "to_anchor", walk)
        }
    }

    /// A flow as it is beyond the router where it began.
    private func outside(_ one: Begun) -> String {
        run.family == .v4 ? "[\(Self.routerNames[one.router] ?? "")>C]" : "[\(one.name)>C]"
    }

    private func check(_ one: Begun, _ row: String, on capture: Capture, _ walk: String) throws {
        for (kind, filter) in OrdinaryApplications.filters(one.applications.occasion, run.family) {
            let seen = Observation(packets: [capture.link: try capture.packets(filter: filter)], names: run.names)
            try run.checkWalk("\(row), \(kind)", on: capture.link, [walk], in: seen)
        }
    }

    /// What the router says that it would do with the next query is what it did with the last one.
    private func checkExplained(_ one: Begun, at router: Int, _ reason: String, _ walk: String) throws {
        guard let queries = one.applications.all.lazy.compactMap({ $0 as? NameQueries }).first else { return }
        let json = try roaming.lab.anchorctl(["flow", "explain", queries.flow, "-o", "json"], to: "ar\(router)")
        let said = try JSONDecoder().decode(PacketExplanationModel.self, from: Data(json.utf8))
        let stack = try HeaderStack(said.headersAfter ?? "", run.names)
        run.check(
            "router \(router) explains a query begun at router \(one.router)\(occasion(one)): \(reason), \(walk)",
            try said.reason == reason && stack == HeaderStack(walk, run.names),
            "\(said.reason ?? said.verdict), \(stack.notation(run.names))")
    }

    /// Ends what can say how it went.
    func checkCalls() throws {
        for one in begun {
            let what = "begun at router \(one.router)\(occasion(one))"
            let (up, down) = try one.applications.call.stop()
            for (end, outcome) in [("correspondent", up), ("node", down)] {
                let reached = outcome.arrivals.last.map { roaming.timeline.place($0.time) } ?? "never"
                run.check(
                    "the call \(what) still reaches the \(end)",
                    // Since the last move.
                    reached.hasSuffix("after to router 1"),
                    "\(outcome.lost) of \(outcome.sent) lost, last one\(reached)")
                run.check("each of its packets comes once to the \(end)", outcome.repeated == 0, "\(outcome.repeated)")
            }
            run.check("no echo of the ping \(what) comes twice", one.applications.ping.repeated == 0)
        }
    }
}

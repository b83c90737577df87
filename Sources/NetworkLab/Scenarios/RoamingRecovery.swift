import NetworkTypes

extension Scenario {
    static let handoverOutlivesDaemons = Scenario(
        "D2-killed",
        "daemons are killed in the middle of a handover: what is in place goes on, and the move is completed afterwards"
    ) { run in
        let roaming = try RoamingLab(run)
        let lab = roaming.lab
        // The router that the node comes to.
        roaming.timeline.note("to router 2, whose daemon is killed")
        try lab.roam(to: 2)
        lab.killDaemon("ar2")
        try lab.restartRouter(2)
        try roaming.original.waitForProgress(200_000)
        try roaming.checkHere(at: 2)
        try roaming.checkGone(from: 1, to: 2)
        // The router that it leaves, which anchors what began there.
        roaming.timeline.note("back to router 1")
        try roaming.move(to: 1)
        try roaming.checkHere(at: 1)
        try roaming.waitForTransfers(at: [1, 2])
        roaming.timeline.note("to router 3, and the daemon of router 1 is killed")
        try lab.roam(to: 3)
        lab.killDaemon("ar1")
        try lab.restartRouter(1)
        try roaming.original.waitForProgress(200_000)
        try roaming.checkHere(at: 3)
        try roaming.checkGone(from: 1, to: 3)
        // With no daemon at all, what is in place goes on.
        try roaming.waitForTransfers(at: [1, 3])
        for router in [1, 3] { lab.killDaemon("ar\(router)") }
        try roaming.original.waitForProgress(500_000)
        run.check("without daemons the download goes on", roaming.original.process.isRunning)
        for router in [1, 3] { try lab.restartRouter(router) }
        try roaming.move(to: 2)
        try roaming.checkGone(from: 1, to: 2)
        try roaming.checkHere(at: 2)
        // While nobody could say where the node had been, datagrams of its call may have begun a flow at router 3.
        let (nowhere, two) = (try roaming.flows(at: 3).isEmpty, AddressPlan.endpoint(2, run.family))
        let isRight = try pollUntil(timeout: .seconds(20)) {
            let host = try roaming.host(at: 3)
            return host == nil || !nowhere && host?.careOf == two
        }
        run.check("router 3 has forgotten the node, unless it has flows of it", isRight)
        try roaming.waitForTransfers(at: [1, 2])
        let seen = try roaming.observe(["ar2-core", "cn"], label: "at rest")
        try run.checkWalk("D3", on: "ar2-core", ["[nA>oA][M>C]"], in: seen)
        try run.checkWalk("D3", on: "cn", [roaming.outside("oA")], in: seen)
        try roaming.checkApplications()
    }

    static let formerRouterIsAway = Scenario(
        "D2-late", "the router that has the node can't be asked when it moves: what began there goes on once it can"
    ) { run in
        let roaming = try RoamingLab(run)
        let lab = roaming.lab
        lab.killDaemon("ar1")
        let isDown = pollUntil(timeout: .seconds(20), every: 20) {
            (try? lab.peers(of: 2)["ar1"]?.state) == .down
        }
        run.check("router 2 has no session with router 1", isDown)
        roaming.timeline.note("to router 2")
        try lab.roam(to: 2)
        try roaming.checkHere(at: 2)
        let second = try Download(on: lab, from: roaming.server, family: .v4, name: "second")
        try second.waitForProgress(100_000)
        run.check("what begins there works", second.process.isRunning, "\(second.bytes) bytes")
        try lab.restartRouter(1)
        try roaming.original.waitForProgress(200_000, timeout: .seconds(60))
        run.check(
            "what began at router 1 goes on, once that one is back", roaming.original.process.isRunning,
            "\(roaming.original.bytes) bytes so far")
        try roaming.checkGone(from: 1, to: 2)
        try roaming.waitForTransfers(at: [1, 2])
        try second.waitForProgress(100_000)
        run.check("what began meanwhile is still running", second.process.isRunning)
    }
}

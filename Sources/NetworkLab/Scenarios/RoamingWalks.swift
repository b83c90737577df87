import ControlAPI
import NetworkTypes

extension Scenario {
    static let tableTransfer = Scenario(
        "D2", "a node that knows nothing moves to router 2, which is sent the table of its flows [0080]"
    ) { run in
        let roaming = try RoamingLab(run)
        try roaming.move(to: 2)
        try roaming.checkGone(from: 1, to: 2)
        try roaming.checkHere(at: 2)
        try roaming.waitForTransfers(at: [1, 2])
        if run.family == .v4 {
            let (first, second) = (try roaming.flows(at: 1), try roaming.flows(at: 2))
            for (name, transport) in [("download", "tcp"), ("call", "udp")] {
                run.check(
                    "router 1 has the \(name) as its own",
                    first.contains { $0.transport == transport && $0.anchor == nil && $0.outside != nil })
                run.check(
                    "router 2 has it as one of router 1",
                    second.contains { $0.transport == transport && $0.anchor == "ar1" && $0.outside == nil })
            }
        }
        run.check(
            "router 2 takes its packets from router 1 alone", try roaming.host(at: 2)?.anchors == ["ar1"],
            (try roaming.host(at: 2)?.anchors ?? []).joined(separator: " "))
        try roaming.checkApplications()
    }

    static let originalFlowAfterMove = Scenario(
        "D3", "after the move, what began at router 1 goes there through a tunnel, past the server of router 2 [0087]"
    ) { run in
        let roaming = try RoamingLab(run)
        let before = try roaming.observe(["ar1-access", "fw1-inside", "ar1-core", "cn"], label: "before")
        for link in ["ar1-access", "fw1-inside"] { try run.checkWalk("D1", on: link, ["[M>C]"], in: before) }
        for link in ["ar1-core", "cn"] { try run.checkWalk("D1", on: link, [roaming.outside("oA")], in: before) }
        try roaming.move(to: 2)
        try roaming.waitForTransfers(at: [1, 2])
        let after = try roaming.observe(
            ["ar2-access", "ar2-core", "ar1-core", "ar1-access", "fw1-inside", "fw1-outside", "fw2-inside", "cn"],
            label: "moved")
        try run.checkWalk("D3", on: "ar2-access", ["[M>C]"], in: after)
        try run.checkWalk("D3", on: "ar2-core", ["[nA>oA][M>C]"], in: after)
        let walks =
            run.family == .v4
            ? [["[nA>oA][M>C]"], [roaming.outside("oA")]] : [["[nA>oA][M>C]", roaming.outside("oA")]]
        for walk in walks { try run.checkWalk("D3", on: "ar1-core", walk, in: after) }
        for link in ["fw1-inside", "fw1-outside"] { try run.checkWalk("D3", on: link, ["[M>C]"], in: after) }
        try run.checkWalk("D3", on: "cn", [roaming.outside("oA")], in: after)
        for link in ["fw2-inside", "ar1-access"] { run.checkAbsent("D3", "M", from: link, in: after) }
        try roaming.checkApplications()
    }

    static let newFlowAfterMove = Scenario(
        "D4", "what the node begins after the move leaves from router 2, through its server"
    ) { run in
        let roaming = try RoamingLab(run)
        try roaming.move(to: 2)
        try roaming.waitForTransfers(at: [1, 2])
        let name = try roaming.nameNewAddress(at: 2, "nM")
        let links = ["ar2-access", "fw2-inside", "fw2-outside", "ar2-core", "ar1-core", "fw1-inside", "cn"]
        let seen = try run.observe(links, in: roaming.lab, label: "new", filter: "tcp.port == 80") {
            let second = try Download(on: roaming.lab, from: roaming.server, family: run.family, name: "second")
            try second.waitForArrivals(200_000)
            run.check("a new download works", second.process.isRunning, "\(second.bytes) bytes")
            second.process.stop()
            try roaming.original.waitForArrivals(200_000)
        }
        for link in ["fw2-inside", "fw2-outside"] { try run.checkWalk("D4", on: link, ["[\(name)>C]"], in: seen) }
        if run.family == .v4 {
            try run.checkWalk("D4", on: "ar2-core", ["[nA>C]"], in: seen)
            for walk in ["[nA>C]", "[oA>C]"] { try run.checkWalk("D4", on: "cn", [walk], in: seen) }
            run.checkAbsent("D4", "nA", from: "fw1-inside", in: seen)
            let own = try roaming.flows(at: 2).filter { $0.anchor == nil && $0.transport == "tcp" }
            run.check("router 2 has it as its own", own.contains { $0.outside == run.names["nA"] })
        } else {
            try run.checkWalk("D4", on: "ar2-core", ["[\(name)>C]"], in: seen)
            run.checkAbsent("D4", name, from: "ar1-core", in: seen)
        }
        try roaming.checkApplications()
    }

    static let thirdRouter = Scenario(
        "D5",
        "a third router: each flow goes straight to where it began, and the router between has no part in it [0081]"
    ) { run in
        let roaming = try RoamingLab(run)
        let lab = roaming.lab
        try roaming.move(to: 2)
        try roaming.waitForTransfers(at: [1, 2])
        let name = try roaming.nameNewAddress(at: 2, "nM")
        let second = try Download(on: lab, from: roaming.server, family: run.family, name: "second")
        try second.waitForProgress(100_000)
        try roaming.move(to: 3)
        try second.waitForProgress(100_000)
        try roaming.waitForTransfers(at: [1, 2, 3])
        for router in [1, 2] { try roaming.checkGone(from: router, to: 3) }
        if run.family == .v4 {
            let (first, second, third) = (
                try roaming.flows(at: 1), try roaming.flows(at: 2), try roaming.flows(at: 3)
            )
            run.check("router 1 has flows of its own alone", first.allSatisfy { $0.anchor == nil } && !first.isEmpty)
            // Once router 3 has said that it has them.
            let isOwn = try pollUntil(timeout: .seconds(5)) { try roaming.flows(at: 2).allSatisfy { $0.anchor == nil } }
            run.check("router 2 has none but its own any more", isOwn && !second.isEmpty)
            run.check(
                "router 3 has those of both", Set(third.compactMap(\.anchor)) == ["ar1", "ar2"],
                Set(third.compactMap(\.anchor)).sorted().joined(separator: " "))
        }
        let links = ["ar3-access", "ar3-core", "ar1-core", "ar2-core", "fw1-inside", "fw2-inside", "fw3-inside", "cn"]
        let seen = try run.observe(links, in: lab, label: "third", filter: "tcp.port == 80") {
            try roaming.original.waitForArrivals(200_000)
            try second.waitForArrivals(200_000)
        }
        if run.family == .v4 {
            // Two flows between the same addresses: on the link of router 3 with a tunnel to each anchor.
            try run.checkWalk("D5", on: "ar3-core", ["[cA>oA][M>C]", "[cA>nA][M>C]"], in: seen)
            for (link, walks) in [("ar1-core", ["[cA>oA][M>C]", "[oA>C]"]), ("ar2-core", ["[cA>nA][M>C]", "[nA>C]"])] {
                for walk in walks { try run.checkWalk("D5", on: link, [walk], in: seen) }
            }
            for walk in ["[oA>C]", "[nA>C]"] { try run.checkWalk("D5", on: "cn", [walk], in: seen) }
        } else {
            try run.checkWalk("D5", on: "ar3-core", ["[cA>oA][M>C]"], in: seen)
            try run.checkWalk("D5", on: "ar3-core", ["[cA>nA][\(name)>C]"], in: seen)
            run.checkAbsent("D5", "M", from: "ar2-core", in: seen)
        }
        for link in ["fw1-inside", "fw2-inside"] {
            let host = run.family == .v4 || link == "fw1-inside" ? "M" : name
            try run.checkWalk("D5", on: link, ["[\(host)>C]"], in: seen)
        }
        run.checkAbsent("D5", "M", from: "fw3-inside", in: seen)
        run.check("what began at router 2 is still running", second.process.isRunning, "\(second.bytes) bytes so far")
        try roaming.checkApplications()
    }

    static let quickMoves = Scenario(
        "D6",
        "two moves in quick succession, and a node that is never long anywhere: nothing that it began breaks [0083]"
    ) { run in
        let roaming = try RoamingLab(run)
        let lab = roaming.lab
        // As quickly as the lab can plug it in.
        for router in [2, 3] {
            roaming.timeline.note("to router \(router)")
            try lab.roam(to: router)
        }
        try roaming.original.waitForProgress(200_000)
        try roaming.checkHere(at: 3)
        for round in 0..<10 {
            for router in [1 + (round + 1) % 3, 1 + round % 3] { try lab.roam(to: router) }
        }
        try roaming.move(to: 2)
        try roaming.checkHere(at: 2)
        try roaming.checkGone(from: 1, to: 2)
        try roaming.waitForTransfers(at: [1, 2, 3])
        let seen = try roaming.observe(["ar2-core", "cn"], label: "at rest")
        try run.checkWalk("D6", on: "ar2-core", ["[nA>oA][M>C]"], in: seen)
        try run.checkWalk("D6", on: "cn", [roaming.outside("oA")], in: seen)
        try roaming.checkApplications()
    }

    static let backAtOrigin = Scenario(
        "D10", "back at router 1, what began there is as it was before, with no tunnel left"
    ) { run in
        let roaming = try RoamingLab(run)
        try roaming.move(to: 2)
        try roaming.waitForTransfers(at: [1, 2])
        try roaming.move(to: 1)
        try roaming.waitForTransfers(at: [1, 2])
        try roaming.checkHere(at: 1)
        if run.family == .v4 {
            let flows = try roaming.flows(at: 1)
            run.check("router 1 has all as its own", flows.allSatisfy { $0.anchor == nil } && flows.count >= 2)
        }
        let isForgotten = try pollUntil(timeout: .seconds(20)) { try roaming.host(at: 2) == nil }
        run.check("router 2, where nothing began, has forgotten the node", isForgotten)
        let links = ["ar1-access", "fw1-inside", "ar1-core", "ar2-core", "cn"]
        let seen = try roaming.observe(links, label: "back")
        for link in ["ar1-access", "fw1-inside"] { try run.checkWalk("D10", on: link, ["[M>C]"], in: seen) }
        for link in ["ar1-core", "cn"] { try run.checkWalk("D10", on: link, [roaming.outside("oA")], in: seen) }
        run.checkAbsent("D10", "M", from: "ar2-core", in: seen)
        try roaming.checkApplications()
    }
}

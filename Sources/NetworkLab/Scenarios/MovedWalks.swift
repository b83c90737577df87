import NetworkTypes

extension Scenario {
    static let tunnelledUp = Scenario(
        "A2", "after the move the node encapsulates, and router 2 bypasses its server [0046]"
    ) { run in
        let anchored = try AnchoredLab(run)
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        let links = ["ar2-access", "ar2-core", "fw2-inside", "fw2-outside"]
        let seen = try anchored.observeOriginalFlow(links, label: "moved")
        for link in links.prefix(2) {
            try run.checkWalk("A2", on: link, ["[nM>oA][oM>C]"], in: seen, directions: [.up])
        }
        for link in links.suffix(2) { run.checkAbsent("A2", "oM", from: link, in: seen) }
        anchored.checkOriginalFlowSurvives()
    }

    static let strippedAtAnchor = Scenario(
        "A3", "router 1 strips the tunnel, finds the node in its host table and uses its server [0047]"
    ) { run in
        let anchored = try AnchoredLab(run)
        try anchored.beginOriginalFlow()
        let before = try anchored.lab.firewallCounters(1)
        try anchored.move(to: 2, named: "nM")
        let links = ["ar1-core", "fw1-inside", "fw1-outside", "cn"]
        let seen = try anchored.observeOriginalFlow(links, label: "moved")
        try run.checkWalk("A3", on: "ar1-core", ["[nM>oA][oM>C]", "[oM>C]"], in: seen, directions: [.up])
        for link in links.dropFirst() { try run.checkWalk("A3", on: link, ["[oM>C]"], in: seen, directions: [.up]) }
        let after = try anchored.lab.firewallCounters(1)
        run.check(
            "the firewall at router 1 goes on with the connection that it knows", after.known > before.known, "\(after)"
        )
        anchored.checkOriginalFlowSurvives()
    }

    static let downToAnchor = Scenario(
        "A4", "what the correspondent sends comes to router 1 and its server as before the move"
    ) { run in
        let anchored = try AnchoredLab(run)
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        let links = ["cn", "fw1-outside", "fw1-inside"]
        let seen = try anchored.observeOriginalFlow(links, label: "moved")
        for link in links { try run.checkWalk("A4", on: link, ["[oM>C]"], in: seen, directions: [.down]) }
        anchored.checkOriginalFlowSurvives()
    }

    static let tunnelledDown = Scenario(
        "A5", "router 1 encapsulates to the node, and router 2 bypasses its server [0048]"
    ) { run in
        let anchored = try AnchoredLab(run)
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        let links = ["ar1-core", "ar2-core", "ar2-access", "fw2-inside", "fw2-outside"]
        let seen = try anchored.observeOriginalFlow(links, label: "moved")
        try run.checkWalk("A5", on: "ar1-core", ["[oM>C]", "[nM>oA][oM>C]"], in: seen, directions: [.down])
        for link in ["ar2-core", "ar2-access"] {
            try run.checkWalk("A5", on: link, ["[nM>oA][oM>C]"], in: seen, directions: [.down])
        }
        for link in links.suffix(2) { run.checkAbsent("A5", "oM", from: link, in: seen) }
        anchored.checkOriginalFlowSurvives()
    }

    static let thirdMove = Scenario(
        "A7",
        "after a third move each anchor sends to the newest place, and nothing passes router 2 that is not its own [0049]"
    ) { run in
        let anchored = try AnchoredLab(run)
        let lab = anchored.lab
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        let second = try Download(on: lab, from: anchored.server, family: run.family, name: "second")
        try second.waitForProgress(200_000)
        try anchored.move(to: 3, named: "cM")
        try second.waitForProgress(100_000)
        let links = [
            "ar3-access", "ar3-core", "ar1-core", "ar2-core", "ar2-access", "fw1-inside", "fw2-inside", "fw3-inside",
        ]
        let seen = try run.observe(links, in: lab, label: "third", filter: "tcp") {
            try anchored.original?.waitForArrivals(200_000)
            try second.waitForArrivals(200_000)
        }
        for link in ["ar3-access", "ar3-core"] {
            try run.checkWalk("A7", on: link, ["[cM>oA][oM>C]"], in: seen)
            try run.checkWalk("A7", on: link, ["[cM>nA][nM>C]"], in: seen)
        }
        try run.checkWalk("A7", on: "ar1-core", ["[cM>oA][oM>C]", "[oM>C]"], in: seen)
        try run.checkWalk("A7", on: "ar2-core", ["[cM>nA][nM>C]", "[nM>C]"], in: seen)
        try run.checkWalk("A7", on: "fw1-inside", ["[oM>C]"], in: seen)
        try run.checkWalk("A7", on: "fw2-inside", ["[nM>C]"], in: seen)
        run.checkAbsent("A7", "oM", from: "ar2-core", in: seen)
        for name in ["oM", "nM"] {
            run.checkAbsent("A7", name, from: "ar2-access", in: seen)
            run.checkAbsent("A7", name, from: "fw3-inside", in: seen)
        }
        anchored.checkOriginalFlowSurvives()
        run.check(
            "the download that began at router 2 is still running", second.process.isRunning,
            "\(second.bytes) bytes so far")
    }

    static let orderedTunnel = Scenario("A12", "an ordered tunnel: GRE with a key and sequence numbers [0054]") { run in
        var options = NodeOptions()
        options.tunnel = .gre
        options.sequenced = true
        let anchored = try AnchoredLab(run, options: options)
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        let seen = try anchored.observeOriginalFlow(["ar2-access", "ar2-core", "cn"], label: "moved")
        for link in ["ar2-access", "ar2-core"] {
            try run.checkWalk("A12", on: link, ["[nM>oA] GRE(key, seq) [oM>C]"], in: seen)
            for direction in Direction.allCases {
                let source = direction == .up ? run.names["oM"] : run.correspondent
                let packets = (seen.packets[link] ?? []).filter { $0.stack.innermost?.source == source }
                let sequences = packets.flatMap(\.greSequences)
                run.check(
                    "A12 \(direction.rawValue) on \(link): each packet has a sequence number of its own",
                    !sequences.isEmpty && sequences.count == packets.count && Set(sequences).count == sequences.count,
                    sequences.first.map { "\(sequences.count) from \($0) to \(sequences.last!)" } ?? "none")
                run.check(
                    "A12 \(direction.rawValue) on \(link): one key", Set(packets.flatMap(\.greKeys)).count == 1,
                    Set(packets.flatMap(\.greKeys)).map { String($0, radix: 16) }.joined(separator: " "))
            }
        }
        try run.checkWalk("A12", on: "cn", ["[oM>C]"], in: seen)
        anchored.checkOriginalFlowSurvives()
    }
}

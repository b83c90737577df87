import NetworkTypes

extension Scenario {
    static let lastFlowEnded = Scenario("A8", "when the last flow has ended, router 1 forgets the node [0050]") { run in
        let anchored = try AnchoredLab(run)
        let lab = anchored.lab
        let old = run.names["oM"]!
        run.check("the host table of router 1 has oM, attached", try lab.host(old, at: 1)?.place == .attached)
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        let host = try lab.host(old, at: 1)
        run.check(
            "after the move it has nM for it", host?.careOf == run.names["nM"],
            host.map { "nMN is \($0.careOf?.description ?? "empty")" } ?? "no entry")
        run.check(
            "the node keeps the old address while its flow lives",
            try lab.nodeAddresses(at: 1, run.family).contains(old))
        anchored.checkOriginalFlowSurvives()
        anchored.original?.process.stop()
        let released = try pollUntil(timeout: .seconds(20), every: 50) { try lab.host(old, at: 1) == nil }
        run.check("the download ended, the entry at router 1 is gone", released)
        let removed = try pollUntil(timeout: .seconds(10), every: 50) {
            try !lab.nodeAddresses(at: 1, run.family).contains(old)
        }
        run.check("the node has given the old address up", removed)
        run.check("the new address still works", try lab.answers(run.correspondent, on: "mn", from: run.names["nM"]))
    }
}

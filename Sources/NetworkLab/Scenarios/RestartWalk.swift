import Foundation
import NetworkTypes

extension Scenario {
    static let killedDaemon = Scenario(
        "T15", "a router's daemon is killed under load: no packet is lost, and a move meanwhile is completed"
    ) { run in
        let anchored = try AnchoredLab(run)
        let lab = anchored.lab
        try anchored.beginOriginalFlow()
        let node = run.names["oM"]!
        let traffic = try NumberedTraffic(on: lab, from: node, rate: 2000)
        try anchored.original?.waitForProgress(100_000)

        lab.killDaemon("ar1")
        try anchored.original?.waitForProgress(300_000)
        try lab.restartRouter(1)
        try anchored.original?.waitForProgress(300_000)
        let (up, down) = try traffic.stop()
        run.check(
            "no packet up is lost while the daemon is killed and restarted", up.lost == 0, "\(up.lost) of \(up.sent)")
        run.check("no packet down is lost either", down.lost == 0, "\(down.lost) of \(down.sent)")
        run.check(
            "none comes twice", up.repeated == 0 && down.repeated == 0, "\(up.repeated) up, \(down.repeated) down")
        run.check("the restarted daemon has adopted the tables", try lab.status("ar1").adopted)
        run.check("it still knows the node", try lab.host(node, at: 1)?.place == .attached)

        lab.killDaemon("ar1")
        try lab.attach(to: 2)
        // The location update can't be answered now; that the node has its new address shows that it has been sent.
        run.names["nM"] = try lab.waitForAttachment(to: 2, run.family)
        try lab.restartRouter(1)
        let completed = try pollUntil(timeout: .seconds(20), every: 50) {
            try lab.host(node, at: 1)?.careOf == run.names["nM"]
        }
        run.check("the move that happened while it was dead is completed", completed)
        try anchored.original?.waitForProgress(200_000)
        anchored.checkOriginalFlowSurvives()
    }
}

import ControlAPI
import Foundation
import Glibc

extension LabBench {
    private static let nodes = 10_000
    private static let flowsPerNode = 10
    /// A flow from a port of its own has a slot for each direction, for its mapping and for whom it lets in; one that
    /// began elsewhere has one.
    private static let slotsPerFlow = 4

    /// Many nodes move at once between one pair of routers: by their packets, and as an access point says it.
    static let handoverRate = LabBench(
        name: "handover-rate",
        summary: "10,000 nodes with 10 flows each move from router 1 to router 2: handovers a second"
    ) { log in
        try [("by packets", movePackets), ("by stations", moveStations)].flatMap { name, move in
            let lab = try Lab.forCrowd(
                flowLimit: 4096, flowCapacity: 4 * nodes * flowsPerNode, outsideAddresses: 128)
            defer { lab.remove() }
            let crowd = try Crowd(lab)
            try crowd.letIn(0..<nodes, at: 1)
            try begin(lab, crowd)
            let before = try (1...2).map { try lab.processorSeconds(at: $0) }
            let (rate, anew) = try handoverRate(lab) { try move(lab, crowd, $0) }
            let used = try (1...2).map { try lab.processorSeconds(at: $0) - before[$0 - 1] }
            log("  \(name): processor time of the daemons \(used[0]) and \(used[1]) s")
            return [
                Figure("handovers \(name)", rate, "1/s", atLeast: 3000),
                Figure("handovers \(name), taken for new nodes", Double(try settledAsNew(lab)), "nodes", atMost: 0),
                Figure("handovers \(name), begun anew at the wrong router", Double(anew), "flows", atMost: 0),
            ]
        }
    }

    /// Each node has flows enough at router 1.
    private static func begin(_ lab: Lab, _ crowd: Crowd) throws {
        let slots = slotsPerFlow * nodes * flowsPerNode
        try waitUntil("\(nodes * flowsPerNode) flows at router 1", timeout: .seconds(30)) {
            for flow in 0..<flowsPerNode {
                for node in 0..<nodes { try send(flow, of: node, crowd, at: 1) }
            }
            return try lab.translations(at: 1) >= slots
        }
    }

    private static func send(_ flow: Int, of node: Int, _ crowd: Crowd, at router: Int) throws {
        try crowd.send(from: node, localPort: UInt16(20_000 + flow), remotePort: 10_000, at: router)
    }

    /// Where all nodes go, and whether they are there.
    private struct Move {
        let router: Int
        let isDone: () throws -> Bool

        init(router: Int, isDone: @escaping () throws -> Bool) {
            self.router = router
            self.isDone = isDone
        }
    }

    /// Tables of hosts that have arrived whole at a router since its start.
    private static func wholes(_ lab: Lab, at router: Int) throws -> Int {
        Int(try lab.metric("flowanchor_events_total{kind=\"roaming-whole\"}", at: router))
    }

    /// Hosts that router 2 has taken for new ones, since nobody said in time that it had them.
    private static func settledAsNew(_ lab: Lab) throws -> Int {
        let log = try String(contentsOfFile: lab.logPath("anchord-ar2"), encoding: .utf8)
        return log.split(separator: "\n").count { $0.contains(" is new ") }
    }

    /// - Returns: handovers a second, from the first word of a move to router 2 until all flows are in its table; and how
    ///   many flows of router 1 router 2 translates, as if they had begun there.
    private static func handoverRate(
        _ lab: Lab, _ move: (Move) throws -> Void
    ) throws -> (rate: Double, anew: Int) {
        let before = try wholes(lab, at: 2)
        let start = monotonicNanoseconds()
        try move(Move(router: 2) { try wholes(lab, at: 2) - before >= nodes })
        // The last moves of the record are the last of all.
        let asked = monotonicNanoseconds()
        let ends = try lab.handovers(at: 2).compactMap { handover in
            handover.after("whole").map { handover.begun - $0 }
        }
        let seconds = Double(asked - start) / 1e9 - max(0, ends.min() ?? 0)
        let (slots, flows) = (try lab.translations(at: 2), nodes * flowsPerNode)
        guard slots >= flows else { throw LabError.timedOut("\(flows) flows in the table of router 2; \(slots) are") }
        return (Double(nodes) / seconds, (slots - flows) / (slotsPerFlow - 1))
    }

    /// Nodes that don't know that they have moved: each goes on sending, two packets a second.
    private static func movePackets(_ lab: Lab, _ crowd: Crowd, _ move: Move) throws {
        let start = monotonicNanoseconds()
        var sent = 0
        var asked: UInt64 = 0
        while true {
            let elapsed = monotonicNanoseconds() - start
            guard elapsed < 60_000_000_000 else { throw LabError.timedOut("\(nodes) nodes at router \(move.router)") }
            let due = Int(elapsed / 1000) * 2 * nodes / 1_000_000
            while sent < due {
                try send(0, of: sent % nodes, crowd, at: move.router)
                sent += 1
            }
            // Each question takes from the processors that the moves need.
            if elapsed - asked > 200_000_000 {
                asked = elapsed
                if try move.isDone() { return }
            }
            poll(nil, 0, 1)
        }
    }

    /// An access point that says of each node where it is (`PUT /v1/nodes/ADDRESS/station`).
    private static func moveStations(_ lab: Lab, _ crowd: Crowd, _ move: Move) throws {
        let path = lab.identity.folder + "/stations.curl"
        let requests = (0..<nodes).map { node in
            """
            url = "http://localhost/v1/nodes/\(Crowd.address(node))/station"
            request = "PUT"
            unix-socket = "\(lab.controlSocket("ar\(move.router)"))"
            data = "{\\"interface\\":\\"acc0\\",\\"mac\\":\\"\(Crowd.station(node))\\"}"
            header = "Content-Type: application/json"
            fail
            output = "/dev/null"

            """
        }
        try requests.joined(separator: "next\n").write(toFile: path, atomically: true, encoding: .utf8)
        try Command(["curl", "--silent", "--show-error", "--parallel", "--parallel-max", "16", "--config", path])
            .check(timeout: .seconds(60))
        try waitUntil("\(nodes) nodes at router \(move.router)", timeout: .seconds(60)) {
            poll(nil, 0, 50)
            return try move.isDone()
        }
    }
}

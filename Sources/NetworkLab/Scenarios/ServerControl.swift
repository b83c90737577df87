import NetworkTypes

extension Scenario {
    /// The control of S1: the same move with anchoring off. What breaks the connection is the second
    /// firewall, which has not seen it begin; so without that firewall it must survive.
    static let serverControl = Scenario(
        "S1-control", "without anchoring, the move breaks the connection at the second firewall [0006]"
    ) { run in
        for firewalled in [true, false] {
            let lab = try run.makeLab(LabPlan(routers: 2))
            try lab.routePlainly()
            try lab.attach(to: 1)
            try lab.configureNode(at: 1)
            if !firewalled {
                try lab.run(["nft", "flush", "ruleset"], on: "fw2")
            }
            let node = AddressPlan.fixedNode(1, run.family)
            run.names["oM"] = node
            let server = try WebServer(on: lab, fileSize: 1 << 30, bytesPerSecond: 2 << 20)
            let reached = try lab.answers(run.correspondent, on: "mn", from: node)
            run.check("the correspondent answers through router 1", reached)
            let download = try Download(on: lab, from: server, family: run.family, name: "download", source: node)
            try download.waitForProgress(1 << 20)
            let before = try lab.firewallCounters(1)
            run.check("the connection passes firewall 1", before.begun > 0 && before.known > 10, "\(before)")

            let captures = try lab.capture(["fw2-inside", "fw2-outside"], label: "moved", snapLength: 200)
            try lab.moveWithHostRoutes(from: 1, to: 2)
            if firewalled {
                run.check(
                    "after the move nothing more arrives", download.stalls(for: .seconds(3)), "\(download.bytes) bytes")
                let after = try lab.firewallCounters(2)
                run.check("firewall 2 refused its packets", after.refused > 0, "\(after)")
                captures.forEach { $0.stop() }
                let stack = try HeaderStack("[oM>C]", run.names)
                let outside = try captures[1].packets(filter: "tcp")
                run.check(
                    "its packets reached firewall 2 and none of the node's came out",
                    !outside.isEmpty && !outside.contains { $0.stack == stack },
                    "\(outside.count) packets on the outer leg, none \(stack.notation(run.names))")
                run.check(
                    "a new connection through firewall 2 works",
                    try lab.answers(run.correspondent, on: "mn", from: node))
            } else {
                try download.waitForProgress(1 << 20)
                run.check(
                    "with firewall 2 switched off the same connection survives the same move", true,
                    "\(download.bytes) bytes")
                captures.forEach { $0.stop() }
            }
            lab.remove()
        }
    }
}

import ControlAPI
import Foundation
import NetworkTypes

extension Scenario {
    static let findingPreviousRouter = Scenario(
        "D8", "the router that a node was at before is found by asking the others, or the one that it names [0085]"
    ) { run in
        let roaming = try RoamingLab(run)
        try roaming.move(to: 2)
        try roaming.waitForTransfers(at: [1, 2])
        let asking = try roaming.handover(to: 2)
        run.check("router 2 asked all others", asking?.asked == ["ar1", "ar3"], "\(asking?.asked ?? [])")
        run.check("router 1 had it", asking?.from == "ar1", asking?.from ?? "nobody")

        // As an access point does when the node associates there, before a packet comes.
        roaming.timeline.note("named by its access point at router 3")
        try roaming.lab.anchorctl(try roaming.attachment(from: "ar2"), to: "ar3")
        try roaming.move(to: 3)
        try roaming.waitForTransfers(at: [1, 2, 3])
        let named = try roaming.handover(to: 3)
        run.check("router 3 asked the one that was named alone", named?.asked == ["ar2"], "\(named?.asked ?? [])")
        run.check("router 2 had it", named?.from == "ar2", named?.from ?? "nobody")
        for router in [1, 2] { try roaming.checkGone(from: router, to: 3) }
        let stranger = try Command(
            [try Lab.ownProgram("anchorctl")] + roaming.attachment(from: "ar9")
                + ["--socket", roaming.lab.controlSocket("ar1")]
        ).run()
        run.check(
            "a router that is none is refused, and those that are get named",
            stranger.status != 0 && stranger.errors.contains("ar2, ar3"), stranger.errors)
        try roaming.checkApplications()
    }
}

extension RoamingLab {
    /// What an access point says of the node, which comes from that router.
    fileprivate func attachment(from previous: String) throws -> [String] {
        let fields = try lab.run(["ip", "-brief", "link", "show", "wlan0"], on: "mn").split(separator: " ")
        guard fields.count > 2 else { throw LabError.timedOut("the MAC address of wlan0") }
        let mac = String(fields[2])
        return ["node", "attach", "\(node)", "--interface", "acc0", "--mac", mac, "--previous", previous]
    }

    /// The last handover of the node to a router, as that router tells.
    fileprivate func handover(to router: Int) throws -> HandoverModel? {
        try JSONDecoder().decode([HandoverModel].self, from: lab.ask("ar\(router)", "/v1/handovers"))
            .last { $0.address == node && $0.to == "ar\(router)" }
    }
}

import ControlAPI
import Foundation
import NetworkTypes

/// Mode D: a phone that knows nothing of its routers, which translate its packets (Figures 12 and 13).
public final class UnawareDemo: Demo {
    private let stage: DemoStage
    private let node = AddressPlan.roamingNode(1, .v4)
    private var lab: Lab { stage.lab }

    /// Builds the lab and starts all that runs in it, see ``DemoStage``. In IPv4, which is what routers translate.
    public init(isTerminal: Bool, write: @escaping (String) -> Void) throws {
        write(
            "Building the network: a correspondent, three access routers with the same gateway address, NAT and a stateful "
                + "firewall each, a phone without any software of ours.\n")
        // Four parts, through which the download has to last.
        stage = try DemoStage(
            .v4, LabPlan(hasCommonGateway: true), bytesPerSecond: 1 << 20, isTerminal: isTerminal, write: write
        ) { lab in
            try lab.startRouters(RouterOptions(translates: true, hostsAreUnaware: true, peering: .v4))
            try lab.waitForSessions()
            try lab.configureRoamingNode(at: 1)
            try lab.attach(to: 1)
        }
        stage.names["M"] = node
    }

    public func close() { stage.close() }

    public func run() throws -> Bool {
        stage.write(Self.picture)
        stage.legend()
        stage.heading("1. At router 1, the phone starts a download; router 1 translates it")
        let download = try stage.download("download")
        let traffic = try stage.countedDatagrams(from: node)
        try stage.advance(download, by: 2 << 20)
        try stage.show(download, routers: [1], tables: showTables)

        stage.heading(
            "2. The phone moves to router 2, and notices nothing; its old flows go through router 1, its firewall and its NAT"
        )
        try move(to: 2, download)
        try stage.show(download, routers: [1, 2], tables: showTables)
        stage.heading("   What it opens now is router 2's own")
        let second = try stage.download("second")
        try stage.advance(download, by: 1 << 20)
        try stage.show(download, routers: [2], tables: showTables)

        stage.heading("3. The phone moves to router 3; each flow goes straight to where it began")
        try move(to: 3, download)
        try stage.show(download, routers: [1, 2, 3], tables: showTables)

        stage.heading("4. The phone is back at router 1: what began there is as it was, with no tunnel left")
        try move(to: 1, download)
        try stage.show(download, routers: [1, 2, 3], tables: showTables)

        stage.heading("5. The download ends")
        return try stage.finish(download, second, traffic)
    }

    private func move(to router: Int, _ download: Download) throws {
        try stage.moved(to: router, download) {
            try AirSwitch(lab).roam(to: router)
        } then: {
            try waitUntil("the tables of flows to arrive at router \(router)", timeout: .seconds(15)) {
                try lab.host(node, at: router).map { $0.place == .attached && $0.previous == nil } ?? false
            }
        }
    }

    /// The flow tables of Figure 13: at each router MN, CN, oAR and nAR, where `self` is that router.
    private func showTables() throws {
        for router in 1...3 {
            var table = TextTable(header: ["MN", "CN", "oAR", "nAR"])
            let host = try lab.host(node, at: router)
            let place = host?.place == .attached ? nil : stage.name(host?.careOf)
            let flows = try JSONDecoder().decode(
                [TranslatedFlowModel].self, from: try lab.ask("ar\(router)", "/v1/nat/flows?host=\(node)"))
            for flow in flows.filter({ $0.state != "closing" }).sorted(by: { $0.insidePort < $1.insidePort }) {
                let own = flow.anchor == nil
                table.rows.append([
                    "M:\(flow.insidePort)", "C:\(flow.correspondentPort) \(flow.transport)",
                    own ? "self" : stage.name(anchorAddress(flow.anchor)), own ? place ?? "null" : "self",
                ])
            }
            if flows.isEmpty { table.rows.append(["", "", "", ""]) }
            stage.write(
                "  Flow table of router \(router):\n" + table.lines(indent: "    ").joined(separator: "\n") + "\n")
        }
    }

    private func anchorAddress(_ name: String?) -> IPAddress? {
        (1...3).first { "ar\($0)" == name }.map { AddressPlan.endpoint($0, .v4) }
    }

    private static let picture = """

                                  firewall 1, NAT
                                         |
                            +------- router 1 (oA) ~ ~ ~ .
                            |     firewall 2, NAT         .
          web server        |            |                 .
              C -------- network --- router 2 (nA) ~ ~ ~ ~  phone (M)
                            |     firewall 3, NAT         '
                            |            |               '
                            +------- router 3 (cA) ~ ~ ~ '


        """
}

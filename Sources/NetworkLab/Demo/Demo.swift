import NetworkTypes

/// A story that is told as it happens.
public protocol Demo: AnyObject {
    /// Tells it.
    /// - Returns: whether the download arrived whole.
    func run() throws -> Bool
    /// Takes all of it away.
    func close()
}

/// Mode A: a download that begins at router 1 goes on through two moves, and never leaves the firewall that knows it.
public final class AwareDemo: Demo {
    private let stage: DemoStage
    private var lab: Lab { stage.lab }

    /// Builds the lab and starts all that runs in it, see ``DemoStage``.
    public init(_ family: AddressFamily, isTerminal: Bool, write: @escaping (String) -> Void) throws {
        write("Building the network: a correspondent, three access routers with a stateful firewall each, a laptop.\n")
        stage = try DemoStage(family, LabPlan(), isTerminal: isTerminal, write: write) { lab in
            try lab.startRouters()
            try lab.attach(to: 1)
            try lab.startNode()
        }
    }

    public func close() { stage.close() }

    public func run() throws -> Bool {
        stage.write(Self.picture)
        stage.names["oM"] = try lab.waitForAttachment(to: 1, stage.family)
        stage.legend()
        stage.heading("1. At router 1, the laptop starts a download")
        let download = try stage.download("download")
        let traffic = try stage.countedDatagrams(from: stage.names["oM"]!)
        try stage.advance(download, by: 2 << 20)
        try stage.show(download, routers: [1], tables: showTables)

        stage.heading("2. The laptop moves to router 2; the download goes on, through router 1 and its firewall")
        try move(to: 2, named: "nM", download)
        try stage.show(download, routers: [1, 2], tables: showTables)
        stage.heading("   What it opens now uses router 2 and its firewall")
        let second = try stage.download("second")
        try stage.advance(download, by: 1 << 20)
        try stage.show(download, routers: [2], tables: showTables)

        stage.heading("3. The laptop moves to router 3; both downloads go on, each through its own firewall")
        try move(to: 3, named: "cM", download)
        try stage.show(download, routers: [1, 2, 3], tables: showTables)

        stage.heading("4. The download ends")
        return try stage.finish(download, second, traffic)
    }

    private func move(to router: Int, named name: String, _ download: Download) throws {
        try stage.moved(to: router, download) {
            try AirSwitch(lab).attach(to: router)
        } then: {
            stage.names[name] = try lab.waitForAttachment(to: router, stage.family)
        }
        stage.legend()
    }

    /// The tables of Figure 4.
    private func showTables() throws {
        var node = TextTable(header: ["oAR", "CN", "MN"])
        let flows = try lab.flows().filter { $0.address.family == stage.family }
        node.rows = flows.filter { $0.transport == "tcp" && $0.state == "open" }
            .map { [stage.name($0.anchor), stage.name($0.correspondent), stage.name($0.address)] }.sorted {
                $0[2] < $1[2]
            }
        var hosts = TextTable(header: ["router", "oMN", "nMN"])
        for router in 1...3 {
            let rows = try lab.hosts(at: router).filter { $0.address.family == stage.family }
            for row in rows { hosts.rows.append(["\(router)", stage.name(row.address), stage.name(row.careOf)]) }
            if rows.isEmpty { hosts.rows.append(["\(router)", "", ""]) }
        }
        stage.write("  Flow table of the laptop:\n" + node.lines(indent: "    ").joined(separator: "\n") + "\n")
        stage.write("  Host tables of the routers:\n" + hosts.lines(indent: "    ").joined(separator: "\n") + "\n")
    }

    private static let picture = """

                                       firewall 1
                                            |
                            +---------- router 1 (oA) ~ ~ ~ .
                            |          firewall 2            .
          web server        |               |                 .
              C -------- network ------ router 2 (nA) ~ ~ ~ ~  laptop
                            |          firewall 3             '
                            |               |                '
                            +---------- router 3 (cA) ~ ~ ~ '


        """
}

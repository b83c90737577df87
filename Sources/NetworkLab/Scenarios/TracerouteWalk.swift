import NetworkTypes

extension Scenario {
    static let traceroute = Scenario(
        "traceroute", "what is sent to get no further than a router is answered by it, before and after a move"
    ) { run in
        let anchored = try AnchoredLab(run)
        let lab = anchored.lab
        func check(_ name: String, hop: Int, at router: Int) throws {
            let expected =
                hop == 1 ? AddressPlan.gateway(router, run.family) : AddressPlan.coreGateway(router, run.family)
            let found = try lab.hop(hop, to: run.correspondent, on: "mn", from: run.names[name]!)
            run.check("\(name): hop \(hop) is \(expected)", found == expected, found.map { "\($0)" } ?? "no answer")
        }
        try check("oM", hop: 1, at: 1)
        try check("oM", hop: 2, at: 1)
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        try check("nM", hop: 1, at: 2)
        try check("nM", hop: 2, at: 2)
        // Through the tunnel: what is beyond the anchor.
        try check("oM", hop: 2, at: 1)
        anchored.checkOriginalFlowSurvives()
    }
}

extension Lab {
    /// Who answers a packet that may make so many hops; `nil` for nobody.
    func hop(
        _ count: Int, to destination: IPAddress, on machine: String, from source: IPAddress
    ) throws -> IPAddress? {
        let command = Command(
            ["ping", "-n", "-c", "1", "-W", "1", "-t", "\(count)", "-I", "\(source)", "\(destination)"],
            in: namespace(machine))
        var found: IPAddress?
        // An answer that finds no neighbour yet is lost, and routers send only so many.
        _ = try pollUntil(timeout: .seconds(5)) {
            let line = try command.run().output.split(separator: "\n").first { $0.hasPrefix("From ") }
            found = line.flatMap { IPAddress($0.split(separator: " ")[1].description) }
            return found != nil
        }
        return found
    }
}

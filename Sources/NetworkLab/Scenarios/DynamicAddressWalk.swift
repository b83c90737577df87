import NetworkTypes

extension Scenario {
    static let dynamicAddress = Scenario(
        "D8-dhcp",
        "a node with a DHCP client asks for its address again at each router, keeps it, and its download goes on"
    ) { run in
        // The node is of IPv4; the family is that of the routers' sessions and tunnels.
        let lab = try run.makeLab(LabPlan(routers: 3, hasCommonGateway: true))
        try lab.startRouters(RouterOptions(translates: true, hostsAreUnaware: true, peering: run.family))
        try lab.waitForSessions()
        let server = try AddressServer(on: lab)
        let client = try AddressClient(on: lab)
        try lab.attach(to: 1)
        let first = try client.ask()
        guard let node = try client.address else { throw LabError.timedOut("an address of the node's") }
        run.check("a node without a lease is offered one", first.contains("DHCPOFFER of \(node)"), "\(node)")
        run.names["M"] = node
        run.names["C"] = AddressPlan.correspondent(.v4)
        run.names["oA4"] = AddressPlan.endpoint(1, .v4)
        guard try lab.answers(AddressPlan.correspondent(.v4), on: "mn", from: node) else {
            throw LabError.timedOut("an answer of the correspondent to \(node) at router 1")
        }
        let web = try WebServer(on: lab, fileSize: 1 << 30, bytesPerSecond: 1 << 20)
        let download = try Download(on: lab, from: web, family: .v4, name: "original")
        try download.waitForProgress(200_000)

        for (router, letter) in [(2, "nA"), (3, "cA"), (1, "oA")] {
            let before = server.relayed(by: router)
            // The carrier goes and comes again: the client's sign to ask.
            try lab.attach(to: router)
            let said = try client.ask()
            let place = "at router \(router)"
            run.check(
                "\(place), the client asks for what it had, and for nothing else",
                said.contains("DHCPREQUEST for \(node) on wlan0 to 255.255.255.255") && !said.contains("DHCPDISCOVER"))
            run.check("\(place), it is told that it may have it", said.contains("DHCPACK of \(node)"))
            let relayed = server.relayed(by: router) - before
            run.check("\(place), it has asked by the relay there", relayed > 0, "\(relayed) messages")
            run.check("\(place), it has the address that it had", try client.address == node)
            // What a system does once it has an address: it looks whether it is connected.
            let isConnected = try lab.answers(
                AddressPlan.correspondent(.v4), on: "mn", from: node, timeout: .seconds(20))
            run.check("\(place), the correspondent answers it", isConnected)
            let isHere = try pollUntil(timeout: .seconds(10)) { try lab.host(node, at: router)?.place == .attached }
            run.check("router \(router) has the node on its link", isHere)
            try download.waitForProgress(300_000, timeout: .seconds(30))
            run.check("\(place), its download goes on", download.process.isRunning, "\(download.bytes) bytes so far")
            let links = ["ar\(router)-core", "cn"]
            let seen = try run.observe(links, in: lab, label: "at-\(router)", filter: "tcp.port == 80") {
                try download.waitForArrivals(300_000)
            }
            let walk = router == 1 ? "[oA4>C]" : "[\(letter)>oA][M>C]"
            try run.checkWalk(router == 1 ? "D10" : "D3", on: links[0], [walk], in: seen)
            try run.checkWalk(router == 1 ? "D10" : "D3", on: "cn", ["[oA4>C]"], in: seen)
        }
        let said = try client.waitForRenewal()
        run.check(
            "a lease is renewed, of the same address", try client.address == node && !said.contains("DHCPDISCOVER"))
        run.check("the download is still running", download.process.isRunning, "\(download.bytes) bytes")
    }
}

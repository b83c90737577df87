import NetworkTypes

/// The lab without anchoring: the kernel routes, through the firewall of the router where the node
/// is. It is what the invention is compared with.
extension Lab {
    /// Lets each router's kernel send what comes from or goes to its access link through its two-legged server.
    func routePlainly() throws {
        for router in 1...plan.routers {
            let machine = "ar\(router)"
            var lines: [String] = []
            for (leg, peer, table, from) in [("srv0", "srv1", 100, "acc0"), ("srv1", "srv0", 101, "core0")] {
                for family in AddressFamily.allCases {
                    let tool = family == .v4 ? "ip" : "ip -6"
                    // A next hop that stands for the server's other leg: the bridge carries the frame there.
                    let hop = family == .v4 ? "169.254.1.\(table)" : "fe80::\(table)"
                    lines += [
                        "mac=$(ip -o link show \(peer) | sed 's/.*link.ether \\([^ ]*\\).*/\\1/')",
                        "\(tool) neigh replace \(hop) lladdr $mac dev \(leg) nud permanent",
                        "\(tool) route replace \(family.everywhere) via \(hop) dev \(leg) table \(table) onlink",
                        "\(tool) rule add iif \(from) to \(AddressPlan.gateway(router, family)) lookup main prio 90",
                        "\(tool) rule add iif \(from) to \(AddressPlan.endpoint(router, family)) lookup main prio 90",
                        "\(tool) rule add iif \(from) lookup \(table) prio 100",
                    ]
                }
            }
            try script(lines.joined(separator: "\n"), on: machine)
        }
    }

    /// Gives the node the address that it would have leased at a router.
    func configureNode(at router: Int) throws {
        let lines = AddressFamily.allCases.flatMap { family in
            let address = AddressPlan.fixedNode(router, family)
            return [
                "ip addr add \(address)/\(AddressPlan.linkLength(family)) dev wlan0",
                "ip route replace \(family.everywhere) via \(AddressPlan.gateway(router, family)) dev wlan0",
            ]
        }
        try script(lines.joined(separator: "\n"), on: "mn")
    }

    /// Has the node configure itself as one does that roams between routers with a common gateway: an IPv4 address as by
    /// DHCP, and IPv6 by router advertisements.
    func configureRoamingNode(at router: Int) throws {
        try script(
            """
            sysctl -qw net.ipv6.conf.wlan0.accept_ra=1
            ip addr add \(AddressPlan.roamingNode(router, .v4))/\(AddressPlan.linkLength(.v4)) dev wlan0
            ip route replace \(AddressFamily.v4.everywhere) via \(AddressPlan.commonGateway(.v4)) dev wlan0
            """, on: "mn")
    }

    /// Moves the node with its address: routing alone keeps it reachable, by host routes to the new place.
    func moveWithHostRoutes(from old: Int, to new: Int) throws {
        try attach(to: new)
        for family in AddressFamily.allCases {
            let host = "\(AddressPlan.fixedNode(old, family))/\(family.addressBits)"
            try run(["ip", "route", "replace", host, "dev", "acc0"], on: "ar\(new)")
            try run(["ip", "route", "replace", host, "via", "\(AddressPlan.endpoint(new, family))"], on: "net")
        }
        try script(
            AddressFamily.allCases.map { family in
                let flag = family == .v4 ? "" : "-6 "
                return "ip \(flag)route replace \(AddressPlan.gateway(new, family)) dev wlan0\n"
                    + "ip \(flag)route replace \(family.everywhere) via \(AddressPlan.gateway(new, family)) dev wlan0"
            }.joined(separator: "\n"), on: "mn")
    }
}

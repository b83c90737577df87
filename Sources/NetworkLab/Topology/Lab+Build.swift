import NetworkTypes

extension Lab {
    func build() throws {
        // Before any interface exists, since interfaces inherit the defaults. Duplicate address detection would hold
        // each address back for a second.
        for machine in plan.machines {
            try Command(["ip", "netns", "add", namespace(machine)]).check()
            try script(
                """
                sysctl -qw net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.accept_dad=0 \
                  net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_ra=0 \
                  net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
                  net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 \
                  net.ipv4.icmp_ratelimit=0
                ip link set lo up
                """, on: machine)
        }
        try plug(plan.cables)
        try buildCore()
        for router in 1...plan.routers {
            try buildRouter(router)
            try buildServer(router)
        }
        try buildAir()
        try script(
            (0..<plan.nodeInterfaces).map { "ip link set wlan\($0) up" }.joined(separator: "\n"), on: "mn")
    }

    /// Makes the cables. Checksums are finished by the sender, because a frame that XDP redirects
    /// keeps no note of an unfinished one; and generic receive offload is on, because a veth
    /// interface accepts redirected frames only while its peer polls.
    private func plug(_ cables: [Cable]) throws {
        let lines = cables.map { cable in
            "link add \(cable.interfaceA) netns \(namespace(cable.machineA)) type veth "
                + "peer name \(cable.interfaceB) netns \(namespace(cable.machineB))"
        }
        try Command(["ip", "-batch", "-"], input: lines.joined(separator: "\n") + "\n").check()
        var settings: [String: [String]] = [:]
        for cable in cables {
            settings[cable.machineA, default: []].append(cable.interfaceA)
            settings[cable.machineB, default: []].append(cable.interfaceB)
        }
        for (machine, interfaces) in settings {
            let lines = interfaces.map { "ethtool -K \($0) tx off gro on >/dev/null" }
            try script(lines.joined(separator: "\n"), on: machine)
        }
    }

    private func buildCore() throws {
        var lines = ["sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1", "ip link set cn up"]
        for family in AddressFamily.allCases {
            lines.append(
                "ip addr add \(AddressPlan.correspondentGateway(family))/\(AddressPlan.linkLength(family)) dev cn")
        }
        for router in 1...plan.routers {
            lines.append("ip link set ar\(router) up")
            for family in AddressFamily.allCases {
                let gateway = AddressPlan.coreGateway(router, family)
                lines.append("ip addr add \(gateway)/\(AddressPlan.coreLength(family)) dev ar\(router)")
                lines.append(
                    "ip route add \(AddressPlan.pool(router, family)) via \(AddressPlan.endpoint(router, family))")
            }
        }
        try script(lines.joined(separator: "\n"), on: "net")
        lines = ["ip link set eth0 up"]
        for family in AddressFamily.allCases {
            lines.append(
                "ip addr add \(AddressPlan.correspondent(family))/\(AddressPlan.linkLength(family)) dev eth0")
            lines.append("ip route add \(family.everywhere) via \(AddressPlan.correspondentGateway(family))")
        }
        try script(lines.joined(separator: "\n"), on: "cn")
    }

    private func buildRouter(_ router: Int) throws {
        var lines = ["sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"]
        lines += ["core0", "acc0"].map { "ip link set \($0) up" }
        switch plan.server {
        case .none: break
        case .twoLegged: lines += ["ip link set srv0 up", "ip link set srv1 up"]
        case .oneLegged: lines.append("ip link set srv0 up")
        }
        for family in AddressFamily.allCases {
            let endpoint = AddressPlan.endpoint(router, family)
            lines.append("ip addr add \(endpoint)/\(AddressPlan.coreLength(family)) dev core0")
            lines.append("ip route add \(family.everywhere) via \(AddressPlan.coreGateway(router, family))")
            lines.append(
                "ip addr add \(AddressPlan.gateway(router, family))/\(AddressPlan.linkLength(family)) dev acc0")
            if plan.server == .oneLegged {
                let link = AddressPlan.serverLink(router, family)
                lines.append("ip addr add \(link.router)/\(AddressPlan.linkLength(family)) dev srv0")
            }
        }
        try script(lines.joined(separator: "\n"), on: "ar\(router)")
    }

    private func buildServer(_ router: Int) throws {
        let machine = "fw\(router)"
        var lines: [String]
        switch plan.server {
        case .none: return
        case .twoLegged:
            lines = [
                "ip link add br0 type bridge mcast_snooping 0",
                "sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1",
                "ip link set in0 master br0 up", "ip link set out0 master br0 up", "ip link set br0 up",
            ]
        case .oneLegged:
            lines = ["sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1", "ip link set eth0 up"]
            for family in AddressFamily.allCases {
                let link = AddressPlan.serverLink(router, family)
                lines.append("ip addr add \(link.server)/\(AddressPlan.linkLength(family)) dev eth0")
                lines.append("ip route add \(family.everywhere) via \(link.router)")
            }
        }
        try script(lines.joined(separator: "\n"), on: machine)
        let pools = AddressFamily.allCases.map { AddressPlan.pool(router, $0) }
        try Command(
            ["nft", "-f", "-"], in: namespace(machine), input: Firewall.ruleset(plan.server, pools: pools)
        ).check()
        try script(Firewall.strict, on: machine)
    }

    private func buildAir() throws {
        var lines: [String] = []
        for router in 1...plan.routers {
            lines.append("ip link add br\(router) type bridge mcast_snooping 0")
            lines.append("ip link set acc\(router) master br\(router) up")
            lines.append("ip link set br\(router) up")
        }
        // Frames in the air are nobody's business to filter.
        lines.append("sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 || true")
        try script(lines.joined(separator: "\n"), on: "air")
    }
}

extension AddressFamily {
    /// The prefix that every address of the family is in.
    var everywhere: String { self == .v4 ? "0.0.0.0/0" : "::/0" }
}

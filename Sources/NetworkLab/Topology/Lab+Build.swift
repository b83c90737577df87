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
        // From the core outwards: a route is refused before its link is up.
        for machine in ["net"] + plan.machines.filter({ $0 != "net" }) {
            let interfaces = plan.interfaces(of: machine).flatMap { plan.setup(of: $0, on: machine) }
            try script((preparation(of: machine) + interfaces).joined(separator: "\n"), on: machine)
        }
        guard plan.server != .none else { return }
        for router in 1...plan.routers { try startFirewall(router) }
    }

    /// Makes the cables. Checksums are finished by the sender, because a frame that XDP redirects
    /// keeps no note of an unfinished one; and generic receive offload is on, because a veth
    /// interface accepts redirected frames only while its peer polls.
    func plug(_ cables: [Cable]) throws {
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

    /// Lines of shell for what a machine needs before its interfaces are set up.
    private func preparation(of machine: String) -> [String] {
        let forwarding = "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"
        switch machine.prefix(while: \.isLetter) {
        case "net", "ar": return [forwarding]
        case "fw" where plan.server == .oneLegged: return [forwarding]
        case "fw":
            return [
                "ip link add br0 type bridge mcast_snooping 0",
                "sysctl -qw net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1",
                "ip link set br0 up",
            ]
        case "air":
            // Frames in the air are nobody's business to filter.
            return (1...plan.routers).flatMap {
                ["ip link add br\($0) type bridge mcast_snooping 0", "ip link set br\($0) up"]
            } + ["sysctl -qw net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0 || true"]
        default: return []
        }
    }

    private func startFirewall(_ router: Int) throws {
        let machine = "fw\(router)"
        let pools = AddressFamily.allCases.map { AddressPlan.pool(router, $0) }
        try Command(
            ["nft", "-f", "-"], in: namespace(machine), input: Firewall.ruleset(plan.server, pools: pools)
        ).check()
        try script(Firewall.strict, on: machine)
    }
}

extension AddressFamily {
    /// The prefix that every address of the family is in.
    var everywhere: String { self == .v4 ? "0.0.0.0/0" : "::/0" }
}

import NetworkTypes

extension Scenario {
    static let spoofedTunnels = Scenario(
        "T1", "spoofed and unknown tunnelled packets are dropped at the anchor, each under its own reason"
    ) { run in
        let anchored = try AnchoredLab(run, plan: LabPlan(routers: 2))
        let lab = anchored.lab
        try anchored.beginOriginalFlow()
        try anchored.move(to: 2, named: "nM")
        let (old, new, anchor) = (run.names["oM"]!, run.names["nM"]!, AddressPlan.endpoint(1, run.family))
        let victim = AddressPlan.pool(1, run.family).address(at: 77)!
        let correspondent = run.correspondent
        let attacks: [(name: String, machine: String, reason: String, headers: [(IPAddress, IPAddress)])] = [
            (
                "an inner source that is leased to nobody", "mn", "inner_source_unknown",
                [(new, anchor), (victim, correspondent)]
            ),
            (
                "a tunnel from an unknown peer", "cn", "peer_unknown",
                [(correspondent, anchor), (old, correspondent)]
            ),
            (
                "an inner destination that is a tunnel endpoint", "mn", "inner_destination_endpoint",
                [(new, anchor), (old, anchor)]
            ),
        ]
        for attack in attacks {
            let before = try lab.reasons("ar1")
            let count = 20
            let seen = try run.observe(["cn"], in: lab, label: "attack-\(attack.reason)", filter: "udp.port == 7009") {
                try lab.inject(
                    RawPacket(headers: attack.headers.map { (source: $0.0, destination: $0.1) }), from: attack.machine,
                    count: count)
                _ = try pollUntil(timeout: .seconds(5)) {
                    try lab.reasons("ar1")[attack.reason, default: 0] >= before[attack.reason, default: 0]
                        + UInt64(count)
                }
            }
            let after = try lab.reasons("ar1")
            let grown = after.filter {
                $0.value > before[$0.key, default: 0] && $0.key != "encapsulated" && $0.key != "forwarded"
            }
            .map { "\($0.key) +\($0.value - before[$0.key, default: 0])" }.sorted().joined(separator: ", ")
            run.check(
                "\(attack.name): counted as \(attack.reason)",
                after[attack.reason, default: 0] == before[attack.reason, default: 0] + UInt64(count), grown)
            let leaked = (seen.packets["cn"] ?? []).filter { $0.stack.headers.count == 1 }
            run.check("\(attack.name): nothing reaches the correspondent", leaked.isEmpty, "\(leaked.count) packets")
        }
        anchored.checkOriginalFlowSurvives()
    }

    static let pathMTU = Scenario(
        "MTU", "what no longer fits after a move is said to its sender, and connections fit from the start"
    ) {
        run in
        let anchored = try AnchoredLab(run, plan: LabPlan(routers: 2))
        let lab = anchored.lab
        let capture = try lab.capture(["cn"], label: "syn")
        try anchored.beginOriginalFlow()
        capture.forEach { $0.stop() }
        let segments = try Command([
            "tshark", "-n", "-r", capture[0].path, "-Y", "tcp.flags.syn == 1", "-T", "fields", "-e",
            "tcp.options.mss_val",
        ]).check().split(separator: "\n").compactMap { Int($0) }
        let room = 1500 - 52 - (run.family == .v4 ? 40 : 60)
        run.check(
            "SYNs announce segments that fit a tunnel later", !segments.isEmpty && segments.contains { $0 <= room },
            "\(segments), to fit \(room)")
        try anchored.move(to: 2, named: "nM")
        let source = run.names["oM"]!
        let headers = run.family == .v4 ? 28 : 48
        let tooBig = try Command(
            [
                "ping", "-n", "-M", "do", "-c", "2", "-i", "0.2", "-W", "1", "-s", "\(1500 - headers)", "-I",
                "\(source)", "\(run.correspondent)",
            ],
            in: lab.namespace("mn")
        ).run()
        let text = tooBig.output + tooBig.errors
        run.check(
            "a packet of 1500 bytes from the old address is refused with the MTU",
            ["Frag needed", "message too long", "Packet too big", "Message too long"].contains { text.contains($0) },
            text.split(separator: "\n").first { $0.contains("mtu") || $0.contains("MTU") }.map(String.init) ?? "")
        let fitting = try lab.ping(run.correspondent, on: "mn", from: source, size: 1500 - 52 - headers)
        run.check(
            "one that leaves room for the tunnel passes", fitting.isComplete, "\(fitting.received) of \(fitting.sent)")
        anchored.checkOriginalFlowSurvives()
    }
}

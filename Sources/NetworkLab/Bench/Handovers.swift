import Glibc
import NetworkTypes

extension LabBench {
    static let moves = 100

    /// Break before make: from the link being up at the new router to the first packet at the far end.
    static let interruption = LabBench(
        name: "interruption", summary: "break before make, 100 moves: link up to first packet delivered"
    ) { log in
        try AddressFamily.allCases.flatMap { family in
            let lab = try Lab(LabPlan())
            defer { lab.remove() }
            let source = try begin(lab, family)
            let air = try AirSwitch(lab)
            let counters = try ["mn", "cn"].map { try DatagramCounter(lab, on: $0) }
            let traffic = try NumberedTraffic(on: lab, from: source, rate: 5000)
            var moments: [UInt64] = []
            for move in 0..<moves {
                let router = 2 + move % 2
                moments.append(try air.attach(to: router));
                try waitForBothWays(counters)
            }
            let (up, down) = try traffic.stop()
            return [("up", up), ("down", down)].flatMap { direction, outcome in
                // Everything that arrives after the link is up has come the new way.
                let times = outcome.arrivals.map(\.time)
                let waits = moments.map { moment in
                    times.first { $0 >= moment }.map { Double($0 - moment) / 1e6 } ?? .infinity
                }
                log("  IPv\(family.rawValue) \(direction): \(outcome.lost) of \(outcome.sent) lost in \(moves) moves")
                return [
                    Figure("interruption v\(family.rawValue) \(direction) p50", percentile(waits, 50), "ms", atMost: 3),
                    Figure(
                        "interruption v\(family.rawValue) \(direction) p99", percentile(waits, 99), "ms", atMost: 10),
                ]
            }
        }
    }

    /// Make before break: two interfaces, 50,000 datagrams a second in each direction.
    static let makeBeforeBreak = LabBench(
        name: "make-before-break",
        summary: "two interfaces, 50,000 packets/s in each direction, 100 moves: lost and repeated"
    ) { log in
        let lab = try Lab(LabPlan(routers: 3, nodeInterfaces: 2))
        defer { lab.remove() }
        let source = try begin(lab, .v4)
        let air = try AirSwitch(lab)
        let counters = try ["mn", "cn"].map { try DatagramCounter(lab, on: $0) }
        let traffic = try NumberedTraffic(on: lab, from: source, rate: 50_000)
        var moments: [(what: String, time: UInt64)] = []
        for move in 0..<moves {
            // The interface that is not in use makes the new attachment, then the other one goes.
            let (new, old) = move % 2 == 0 ? (1, 0) : (0, 1)
            let moment = try air.attach(new, to: 2 + move % 2)
            try waitUntil("the attachment through wlan\(new) in use", timeout: .seconds(10)) {
                try isInUse(lab, source, at: 2 + move % 2, .v4)
            }
            try waitForBothWays(counters)
            moments += [("link \(move) up", moment), ("link \(move) gone", try air.unplug(old))]
        }
        let (up, down) = try traffic.stop()
        for (direction, outcome) in [("up", up), ("down", down)] {
            for gap in outcome.gaps {
                let last = moments.last { $0.time <= gap.before }
                let wait = Double(gap.before - (last?.time ?? gap.after)) / 1e6
                log(
                    "  \(direction): \(gap.count) lost within \((gap.before - gap.after) / 1000) µs, until "
                        + "\(wait) ms after \(last?.what ?? "the start")")
            }
        }
        return [("up", up), ("down", down)].flatMap { direction, outcome in
            [
                Figure("make before break \(direction) lost", Double(outcome.lost), "packets", atMost: 0),
                Figure("make before break \(direction) repeated", Double(outcome.repeated), "packets", atMost: 0),
                // Less than asked for where the processors, which do all of it, are the limit.
                Figure("make before break \(direction) arrived", Double(outcome.rate), "packets/s"),
            ]
        }
    }

    /// Starts daemons, attaches to router 1 and returns the address there.
    private static func begin(_ lab: Lab, _ family: AddressFamily) throws -> IPAddress {
        try lab.forwardInDrivers()
        try lab.startRouters()
        try lab.attach(to: 1)
        try lab.startNode()
        return try lab.waitForAttachment(to: 1, family)
    }

    /// Router 1 knows that the node is at this router's address.
    private static func isInUse(_ lab: Lab, _ source: IPAddress, at router: Int, _ family: AddressFamily) throws -> Bool
    {
        guard let careOf = try lab.host(source, at: 1)?.careOf else { return false }
        return AddressPlan.pool(router, family).contains(careOf)
    }

    /// Waits until both ends have received something that was sent after the call.
    static func waitForBothWays(_ counters: [DatagramCounter]) throws {
        // Meanwhile this process keeps off the processors, which the move needs.
        poll(nil, 0, 20)
        for counter in counters {
            let before = try counter.received()
            try waitUntil("packets both ways after the move", timeout: .seconds(30)) {
                // More than control messages alone would make.
                try counter.received() > before + 20
            }
        }
    }
}

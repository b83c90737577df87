import Glibc
import NetworkTypes

extension LabBench {
    private static let losses = 20

    /// What a move of a node that knows nothing costs a fast flow, beyond what is sent while it is on no link at all.
    static let roamingLoss = LabBench(
        name: "roaming-loss",
        summary: "a node that knows nothing, 50,000 packets/s in each direction, 20 moves: lost and out of order"
    ) { log in
        let lab = try Lab(LabPlan(routers: 2, server: .none, hasCommonGateway: true))
        defer { lab.remove() }
        try lab.forwardInDrivers()
        try lab.startRouters(RouterOptions(translates: true, hostsAreUnaware: true, peering: .v4))
        try lab.waitForSessions()
        try lab.configureRoamingNode(at: 1)
        try lab.attach(to: 1)
        let node = AddressPlan.roamingNode(1, .v4)
        guard try lab.answers(AddressPlan.correspondent(.v4), on: "mn", from: node) else {
            throw LabError.timedOut("an answer of the correspondent to \(node) at router 1")
        }
        let air = try AirSwitch(lab)
        let counters = try ["mn", "cn"].map { try DatagramCounter(lab, on: $0) }
        let traffic = try NumberedTraffic(on: lab, from: node, rate: 50_000)
        try waitForBothWays(counters)
        var moves: [ClosedRange<UInt64>] = []
        for move in 0..<losses {
            let begun = monotonicNanoseconds()
            moves.append(begun...(try air.roam(to: 1 + (move + 1) % 2)))
            try waitForBothWays(counters)
            // A move is over, the table of flows and all, before the next.
            poll(nil, 0, 500)
        }
        let (up, down) = try traffic.stop()
        return [("up", up), ("down", down)].flatMap { direction, outcome in
            let loss = MoveLoss(outcome, moves)
            let gaps = moves.map { ($0.upperBound - $0.lowerBound) / 1000 }
            log(
                "  \(direction): lost \(loss.inGap) on no link, \(loss.untilKnown) until the node was known at its new "
                    + "router, \(loss.afterwards) else, of \(outcome.sent); usual time on the way "
                    + "\(loss.transit / 1000) µs; without a link \(gaps) µs")
            return [
                Figure("roaming \(direction) lost", Double(loss.untilKnown + loss.afterwards), "packets", atMost: 0),
                Figure(
                    "roaming \(direction) lost once it is known there", Double(loss.afterwards), "packets", atMost: 0),
                Figure("roaming \(direction) out of order", Double(loss.reordered), "packets", atMost: 0),
                Figure("roaming \(direction) repeated", Double(outcome.repeated), "packets", atMost: 0),
                // Less than asked for where the processors, which do all of it, are the limit.
                Figure("roaming \(direction) arrived", Double(outcome.rate), "packets/s"),
            ]
        }
    }
}

/// Where the datagrams were lost that didn't arrive in a stream with moves.
struct MoveLoss {
    /// Sent, or on their way, while the node was on no link: they could arrive nowhere.
    private(set) var inGap = 0
    /// From there on, until the first arrived that was sent after it.
    private(set) var untilKnown = 0
    /// At any other time.
    private(set) var afterwards = 0
    /// Arrived after one that was sent later.
    private(set) var reordered = 0
    /// The median of the times that datagrams were on their way, in nanoseconds.
    let transit: UInt64

    /// - Parameter moves: when the node was on no link, of CLOCK_MONOTONIC, earliest first.
    init(_ outcome: NumberedTraffic.Outcome, _ moves: [ClosedRange<UInt64>]) {
        let times = outcome.arrivals.map { $0.time - min($0.time, $0.sent) }.sorted()
        transit = times.isEmpty ? 0 : times[times.count / 2]
        reordered = Self.countReordered(outcome.arrivals)
        // When the first arrived that was sent after each move.
        let known = moves.map { move in
            outcome.arrivals.lazy.filter { $0.sent > move.upperBound }.map(\.time).min() ?? .max
        }
        for sent in Self.lost(outcome.arrivals) {
            guard let move = moves.lastIndex(where: { $0.lowerBound - transit <= sent }) else {
                afterwards += 1
                continue
            }
            if sent <= moves[move].upperBound {
                inGap += 1
            } else if sent <= known[move] {
                untilKnown += 1
            } else {
                afterwards += 1
            }
        }
    }

    /// About when each was sent that is missing between two that arrived.
    private static func lost(_ arrivals: [Arrival]) -> [UInt64] {
        let ordered = arrivals.sorted { $0.sequence < $1.sequence }
        return zip(ordered, ordered.dropFirst()).flatMap { before, after -> [UInt64] in
            guard after.sequence > before.sequence + 1 else { return [] }
            let step = (after.sent - min(before.sent, after.sent)) / (after.sequence - before.sequence)
            return (1..<after.sequence - before.sequence).map { before.sent + step * $0 }
        }
    }

    private static func countReordered(_ arrivals: [Arrival]) -> Int {
        var reach: UInt64 = 0
        var seen: Set<UInt64> = []
        seen.reserveCapacity(arrivals.count)
        return arrivals.count { arrival in
            guard seen.insert(arrival.sequence).inserted else { return false }
            defer { reach = max(reach, arrival.sequence) }
            return arrival.sequence < reach
        }
    }
}

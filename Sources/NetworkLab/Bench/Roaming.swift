import ControlAPI
import Foundation
import Glibc
import Netlink
import NetworkTypes

extension LabBench {
    /// Nodes that know nothing: from the node being on the link of another router to the first packet of an old flow at
    /// the far end, with few and with many flows of that node.
    static let roaming = LabBench(
        name: "roaming", summary: "a node that knows nothing, 100 moves: on the new link to first packet delivered"
    ) { log in
        var figures: [Figure] = []
        var medians: [String: [Double]] = [:]
        for count in [10, 1000, 100_000] {
            for (direction, waits, outcome) in try moves(flows: count, rate: 5000) {
                log("  \(count) flows \(direction): \(outcome.lost) of \(outcome.sent) lost in \(LabBench.moves) moves")
                let name = "roaming \(count) flows \(direction)"
                figures += [
                    Figure("\(name) p50", percentile(waits, 50), "ms", atMost: 2),
                    Figure("\(name) p99", percentile(waits, 99), "ms", atMost: 10),
                ]
                medians[direction, default: []].append(percentile(waits, 50))
            }
        }
        for (direction, medians) in medians.sorted(by: { $0.key < $1.key }) {
            figures.append(
                Figure(
                    "roaming 100,000 flows against 10 \(direction)", medians[medians.count - 1], "ms",
                    reference: medians[0], ratioAtMost: 1.2))
        }
        return figures
    }

    /// The same with tables that are full of other nodes' flows, against empty ones.
    static let roamingCrowded = LabBench(
        name: "roaming-crowded",
        summary: "a node that knows nothing, 100 moves, with 1,000,000 flows of other nodes at each router"
    ) { log in
        let quiet = try moves(flows: 10, rate: 5000, hasServers: false)
        let crowded = try moves(flows: 10, rate: 5000, hasServers: false, others: 1_000_000)
        return zip(quiet, crowded).flatMap { quiet, crowded in
            let (direction, waits, outcome) = crowded
            log("  \(direction): \(outcome.lost) of \(outcome.sent) lost in \(LabBench.moves) moves")
            let name = "roaming with 1,000,000 flows of others \(direction)"
            return [
                Figure("\(name) p50", percentile(waits, 50), "ms", atMost: 2),
                Figure("\(name) p99", percentile(waits, 99), "ms", atMost: 10),
                Figure(
                    "\(name) against none", percentile(waits, 50), "ms", reference: percentile(quiet.waits, 50),
                    ratioAtMost: 1.2),
            ]
        }
    }

    /// Flows of each of the other nodes.
    private static let flowsOfOthers = 50_000

    private typealias Waits = (direction: String, waits: [Double], outcome: NumberedTraffic.Outcome)

    /// Moves a node with so many flows from router to router.
    /// - Parameters:
    ///   - hasServers: a stateful one at each router, which has no room for many flows of others.
    ///   - others: flows of other nodes at each router.
    private static func moves(
        flows count: Int, rate: Int, hasServers: Bool = true, others: Int = 0
    ) throws -> [Waits] {
        let lab = try Lab(LabPlan(server: hasServers ? .twoLegged : .none, hasCommonGateway: true))
        defer { lab.remove() }
        try lab.forwardInDrivers()
        var options = RouterOptions(translates: true, hostsAreUnaware: true, peering: .v4, flowLimit: 200_000)
        if others > 0 {
            options.hasCrowd = true
            options.flowCapacity = others + 200_000
        }
        try lab.startRouters(options)
        try lab.waitForSessions()
        if others > 0 { try beginOthers(others, in: lab) }
        try lab.configureRoamingNode(at: 1)
        try lab.attach(to: 1)
        let node = AddressPlan.roamingNode(1, .v4)
        guard try lab.answers(AddressPlan.correspondent(.v4), on: "mn", from: node) else {
            throw LabError.timedOut("an answer of the correspondent to \(node) at router 1")
        }
        try lab.beginFlows(count, from: node)
        let air = try AirSwitch(lab)
        let counters = try ["mn", "cn"].map { try DatagramCounter(lab, on: $0) }
        let traffic = try NumberedTraffic(on: lab, from: node, rate: rate)
        try waitForBothWays(counters)
        var moments: [UInt64] = []
        for move in 0..<moves {
            moments.append(try air.roam(to: 1 + (move + 1) % 3))
            try waitForBothWays(counters)
        }
        let (up, down) = try traffic.stop()
        return [("up", up), ("down", down)].map { direction, outcome in
            let times = outcome.arrivals.map(\.time)
            let waits = moments.map { moment in
                times.first { $0 >= moment }.map { Double($0 - moment) / 1e6 } ?? .infinity
            }
            return (direction, waits, outcome)
        }
    }
}

extension LabBench {
    private static func beginOthers(_ count: Int, in lab: Lab) throws {
        let crowd = try Crowd(lab)
        let nodes = count / flowsOfOthers
        for router in 1...lab.plan.routers {
            for node in (router - 1) * nodes..<router * nodes { try crowd.begin(flowsOfOthers, of: node, at: router) }
        }
    }
}

extension Lab {
    /// Has the node begin UDP flows with the correspondent, which doesn't answer.
    func beginFlows(_ count: Int, from node: IPAddress) throws {
        let (first, ports) = (10_000, 50_000)
        try Command(
            ["nft", "-f", "-"], in: namespace("cn"),
            input: """
                table inet quiet {
                  chain input {
                    type filter hook input priority 0; policy accept;
                    udp dport \(first)-\(first + ports) drop
                  }
                }

                """
        ).check()
        let namespace = try NetworkNamespace(path: "/run/netns/\(namespace("mn"))")
        try namespace.run {
            var left = count
            while left > 0 {
                let socket = Glibc.socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
                guard socket >= 0 else { throw LabError.cannotStart("a UDP socket", String(cString: strerror(errno))) }
                defer { close(socket) }
                for port in first..<(first + min(left, ports)) {
                    // Each is to make its flow: where the node's queue is full, it goes on once there is room.
                    while !send(from: socket, to: AddressPlan.correspondent(.v4), port: UInt16(port)) {
                        var room = pollfd(fd: socket, events: Int16(POLLOUT), revents: 0)
                        poll(&room, 1, 100)
                    }
                }
                left -= ports
            }
        }
        try waitUntil("\(count) flows at router 1", timeout: .seconds(60)) {
            let found = try JSONDecoder().decode(NodeModel.self, from: try ask("ar1", "/v1/nodes/\(node)"))
            return found.flowsHere ?? 0 >= count * 99 / 100
        }
    }

    private func send(from socket: Int32, to address: IPAddress, port: UInt16) -> Bool {
        var destination = sockaddr_in()
        destination.sin_family = sa_family_t(AF_INET)
        destination.sin_port = port.bigEndian
        destination.sin_addr.s_addr = (address.v4Bits ?? 0).bigEndian
        var byte: UInt8 = 0
        return withUnsafePointer(to: &destination) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(socket, &byte, 1, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 1
            }
        }
    }
}

import Foundation
import Glibc

extension LabBench {
    /// What a flow costs in memory, both directions of it, in a table as full as it may be.
    static let flowMemory = LabBench(
        name: "flow-memory", summary: "memory of the kernel and of the daemon, a flow, in a full table"
    ) { log in
        // Six slots a flow, rounded up to a power of two: here not at all.
        let capacity = (1 << 23) / 6
        let lab = try Lab.forCrowd(
            routers: 1, flowLimit: flowsPerHost, flowCapacity: capacity, outsideAddresses: 32)
        defer { lab.remove() }
        let crowd = try Crowd(lab)
        let hosts = (capacity + flowsPerHost - 1) / flowsPerHost
        try crowd.letIn(0..<hosts, at: 1)
        let empty = try lab.ownBytes(at: 1)
        let flows = try fill(lab, crowd, hosts: hosts, flows: capacity)
        let grown = max(0, try lab.ownBytes(at: 1) - empty)
        let bytes = try lab.mapBytes(at: 1) { name in
            ["fa_translations", "fa_subscribers", "fa_nat_"].contains { name.hasPrefix($0) }
        }
        log("  \(flows) of \(capacity) flows fit, \(hosts) hosts; maps \(bytes) B; the daemon grew by \(grown) B")
        return [
            Figure("kernel's memory, a flow", Double(bytes) / Double(flows), "B", atMost: 400),
            // Whole bytes: what it needs once is not a flow's.
            Figure("daemon's memory, a flow", (Double(grown) / Double(flows)).rounded(), "B", atMost: 0),
            Figure("flows that fit, of those configured", Double(flows) / Double(capacity) * 100, "%"),
        ]
    }

    /// Each flow is from a port of its host's own: four blocks of 512, as many as a host may have by default.
    private static let flowsPerHost = 2048

    /// Has hosts begin flows until no more of them find room.
    /// - Returns: how many there are.
    private static func fill(_ lab: Lab, _ crowd: Crowd, hosts: Int, flows: Int) throws -> Int {
        var before = -1
        var found = 0
        // A host is given a further block of ports while it sends: what came too early comes again.
        for _ in 0..<5 where found > before {
            for flow in 0..<flows {
                try crowd.send(
                    from: flow % hosts, localPort: UInt16(2048 + flow / hosts), remotePort: 10_000, at: 1)
            }
            before = found
            found = try countFlows(lab)
        }
        return found
    }

    /// Flows by the daemon's next whole look at the table.
    private static func countFlows(_ lab: Lab) throws -> Int {
        var counts: [Int] = []
        try waitUntil("a look at all flows", timeout: .seconds(40)) {
            poll(nil, 0, 1000)
            counts.append(Int(try lab.metric("flowanchor_nat_flows{protocol=\"udp\"}", at: 1)))
            // It looks every five seconds.
            return counts.count > 11 || counts.count > 6 && counts.suffix(6).allSatisfy { $0 == counts.last }
        }
        return counts.last ?? 0
    }
}

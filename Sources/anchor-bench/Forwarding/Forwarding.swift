import BPFKit
import NetworkLab

/// Decapsulate, encapsulate, forward, against the least that one can do.
enum Forwarding {
    /// What a ratio is not to exceed; `nil` for more than a million hosts, where it is only stated.
    static func target(_ family: Family, hosts: Int) -> Double? {
        guard hosts <= 1 << 20 else { return nil }
        return switch family {
        case .v4: hosts <= 1024 ? 0.8 : 0.7
        case .v6: hosts <= 1024 ? 1.0 : 0.8
        }
    }

    static func measure(hosts: Int, families: [Family], exits: [Router.Exit], rounds: Int, count: Int) throws {
        let capacity = max(4096, 2 * hosts)
        // One host is not the network's own address.
        let first: UInt32 = hosts == 1 ? 2 : 0
        let numbers = first..<(first + UInt32(hosts))
        let driver = try Driver()
        for family in families {
            let reference = try Reference(family, hosts: numbers, capacity: capacity)
            for job in Job.allCases {
                for exit in exits {
                    let router = try Router(family, capacity: capacity)
                    try router.load(job, exit, hosts: numbers)
                    let frame = Frame(job, family, firstHost: first)
                    let program = try router.program(job)
                    let beside = try reference.program(job, family)
                    let verdicts = try [program.testRun(frame.bytes).verdict, beside.testRun(frame.bytes).verdict]
                    guard verdicts.allSatisfy(Router.isSent) else {
                        throw BenchError("\(job) \(family): verdicts \(verdicts), the packet was not sent")
                    }
                    driver.prepare(frame, flows: hosts)
                    let result = try driver.measure(frame, program, beside, rounds: rounds, count: count)
                    // The reference leaves sending to its driver; a redirect on top of that has no target.
                    try AnchorBench.print([
                        Figure(
                            "\(job)-\(family)-\(hosts)" + (exit == .other ? "-redirected" : ""), result.programs[0],
                            "ns", reference: result.programs[1],
                            ratioAtMost: exit == .same ? target(family, hosts: hosts) : nil)
                    ])
                }
            }
        }
    }
}

/// Why a figure can't be had.
struct BenchError: Error, CustomStringConvertible {
    var description: String
    init(_ description: String) { self.description = description }
}

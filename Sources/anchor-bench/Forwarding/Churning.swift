import AnchorDataPlane
import BPFKit
import Foundation
import NetworkLab
import NetworkTypes
import Synchronization

/// The table under attack from the other core: what a packet takes meanwhile, and where it goes.
enum Churning {
    static func measure(hosts: Int, checked: Int) throws {
        let family = Family.v4
        let capacity = 2 * hosts
        let router = try Router(family, capacity: capacity)
        try router.load(.encapsulate, .same, hosts: 0..<UInt32(hosts))
        let frame = Frame(.encapsulate, family, firstHost: 0)
        let program = try router.program(.encapsulate)
        let driver = try Driver()
        driver.prepare(frame, flows: hosts)
        let quiet = try driver.measure(frame, program, program, rounds: 5, count: 300_000)

        let changes = try Disturbance(router.dataPlane, family, from: UInt32(hosts), count: UInt32(hosts / 8))
        let busy = try driver.measure(frame, program, program, rounds: 5, count: 300_000)
        let missent = try missent(program, frame, family, hosts: hosts, count: checked)
        let (made, seconds) = changes.stop()

        try AnchorBench.print([
            Figure(
                "encapsulate-v4-\(hosts)-while-changed", busy.programs[0], "ns", reference: quiet.programs[0],
                ratioAtMost: nil),
            Figure("changes-meanwhile", Double(made) / seconds, "1/s"),
            Figure("packets-mis-sent", Double(missent), "packets", atMost: 0),
        ])
    }

    /// Packets to random hosts one by one: how many don't come out in a tunnel to their host's peer.
    private static func missent(
        _ program: borrowing BPFProgram, _ frame: Frame, _ family: Family, hosts: Int, count: Int
    ) throws -> Int {
        var random = SystemRandomNumberGenerator()
        var wrong = 0
        let place = frame.varying[0].offset
        for _ in 0..<count {
            let number = UInt32.random(in: 0..<UInt32(hosts), using: &random)
            var bytes = frame.bytes
            withUnsafeBytes(of: UInt32(truncatingIfNeeded: family.host(number).low).bigEndian) {
                bytes.replaceSubrange(place..<place + 4, with: $0)
            }
            let run = try program.testRun(bytes)
            let peer = withUnsafeBytes(of: UInt32(truncatingIfNeeded: family.peer(number).low).bigEndian) { Array($0) }
            // Outer destination.
            if !Router.isSent(run.verdict) || Array(run.packet[30..<34]) != peer { wrong += 1 }
        }
        return wrong
    }
}

/// Another thread that inserts and removes hosts beyond the given ones until it is stopped.
private final class Disturbance: Sendable {
    private let isStopped = Atomic(false)
    private let made = Atomic(0)
    private let ended = DispatchSemaphore(value: 0)
    private let start = ContinuousClock.now

    init(_ dataPlane: KernelDataPlane, _ family: Family, from first: UInt32, count: UInt32) throws {
        let tunnel = dataPlane.paths.first { $0.specification.encapsulation != nil }
        guard let tunnel else { throw BenchError("the router has no path into a tunnel") }
        let thread = Thread { [self] in
            while !isStopped.load(ordering: .relaxed) {
                for number in first..<(first + count) {
                    let key = HostKey(family.host(number))
                    let there = HostTunnel(peer: family.peer(number), kind: .ipip, path: tunnel.index)
                    // What can't be done shows in the number of changes.
                    guard (try? dataPlane.setHost(HostEntry(key: key, node: number, tunnel: there))) != nil else {
                        continue
                    }
                    made.add(1, ordering: .relaxed)
                    if number >= first + 64, (try? dataPlane.removeHost(HostKey(family.host(number - 64)))) == true {
                        made.add(1, ordering: .relaxed)
                    }
                }
            }
            ended.signal()
        }
        thread.start()
    }

    /// - Returns: how many changes were made, and in what time.
    func stop() -> (Int, Double) {
        isStopped.store(true, ordering: .relaxed)
        ended.wait()
        let time = ContinuousClock.now - start
        return (
            made.load(ordering: .relaxed), Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        )
    }
}

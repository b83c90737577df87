import CAtomics
import FlowAnchorABI
import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import AnchorDataPlane

/// Programs on threads make, find and use flows while the daemon's side takes them out, grants blocks and removes
/// subscribers.
@Suite struct NATRaceTests {
    private static let programs = 3
    private static let rounds = 300

    private final class State: Sendable {
        let now = Atomic<UInt32>(10)
        let isStopped = Atomic(false)
        let made = Atomic(0)
        let found = Atomic(0)
        let wrong = Atomic(0)
    }

    @Test func `no port has two owners, no count is wrong and nothing is left`() throws {
        let runs = ProgramRuns(Self.programs)
        let bench = NATBench(translations: 8192) { runs.wait() }
        let state = State()
        let hosts = (1...4).map { IPAddress.ten($0) }
        for (number, host) in hosts.enumerated() { try bench.subscribe(host, blocks: [2 + number], limit: 300) }
        let threads = runs.counters.enumerated().map { number, counter in
            run(UInt64(number), bench.memory, state, counter, hosts)
        }
        var random = SystemRandomNumberGenerator()
        let ticks = NATTicks(tcpEstablished: 9, tcpTransitory: 5, udp: 5, icmp: 3)
        var removed = 0
        var released = 0
        var free = Set((6..<128).map { PortBlock(outside: 0, number: $0) })
        for round in 0..<Self.rounds {
            let now = state.now.add(1, ordering: .relaxed).newValue
            var place: Int? = 0
            while let from = place {
                let part = bench.table.expire(ticks, now: now, from: from, places: 1000)
                removed += part.flowsRemoved
                released += part.released.count
                for subscriber in part.released { free.formUnion(subscriber.blocks) }
                place = part.next
            }
            let host = hosts.randomElement(using: &random)!
            let block = try #require(free.randomElement(using: &random))
            switch round % 4 {
            case 0:
                bench.table.removeSubscriber(host)
                try bench.table.setSubscriber(
                    inside: host, outside: NATBench.outside, flowLimit: 300, blocks: [block])
                free.remove(block)
            case 1:
                if bench.table.grant(block, to: host) { free.remove(block) }
            default:
                let blocks = bench.table.subscriber(host)?.blocks ?? []
                for (block, _) in bench.table.takeBack(blocks.map { ($0, host) }) { free.insert(block) }
            }
        }
        state.isStopped.store(true, ordering: .relaxed)
        for thread in threads { thread.wait() }
        #expect(state.wrong.load(ordering: .relaxed) == 0)
        #expect(state.made.load(ordering: .relaxed) > 1000)
        #expect(removed > 1000 && released > 10)
        let last = bench.table.expire(ticks, now: state.now.load(ordering: .relaxed) + 100, from: 0, places: .max)
        #expect(last.counts.flows == 0)
        #expect(bench.isSwept)
        for host in hosts { #expect(bench.table.subscriber(host)?.flows == 0) }
    }

    private func run(
        _ number: UInt64, _ memory: NATMemory, _ state: State, _ counter: ProgramRuns.Counter, _ hosts: [IPAddress]
    ) -> DispatchSemaphore {
        let end = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            let program = NATProgram(memory: memory)
            var random = Splitmix(seed: number + 1)
            while !state.isStopped.load(ordering: .relaxed) {
                let host = hosts[Int(random.next() % UInt64(hosts.count))]
                let port = UInt16(random.next() % 24)
                let remote = IPAddress.documentation(Int(random.next() % 4))
                let flow: NATProgram.Flow =
                    random.next() % 2 == 0 ? .tcp(host, port, to: remote) : .udp(host, port, to: remote)
                let now = state.now.load(ordering: .relaxed)
                counter.run {
                    if let up = program.find(flow) {
                        program.touch(up, now: now)
                        state.found.add(1, ordering: .relaxed)
                    } else if let made = try? program.make(flow, now: now) {
                        state.made.add(1, ordering: .relaxed)
                        if !Self.isRight(made, flow, memory) { state.wrong.add(1, ordering: .relaxed) }
                    }
                }
                // A host that has something to say all the time would keep all of its flows.
                if random.next() % 64 == 0 { sched_yield() }
            }
            end.signal()
        }
        return end
    }

    /// Whether the mapping that a flow has just been made by is its own, and has its port.
    private static func isRight(_ made: NATProgram.Made, _ flow: NATProgram.Flow, _ memory: NATMemory) -> Bool {
        let mapping = memory.translations.slots[made.mapping]
        guard memory.isInUse(made.mapping, as: NATKind.mapping), mapping.users & ~FA_NAT_GONE > 0,
            mapping.key.local_port_be == flow.insidePort.bigEndian, mapping.port_be == made.port.bigEndian,
            let row = NATRow.of(flow.transport)
        else { return false }
        let bits = ca_load_relaxed_u64(memory.bits(0, row: row, port: Int(made.port)))
        guard bits >> UInt64(made.port % 64) & 1 == 1 else { return false }
        // Another program that has made it may not have written this yet; but it is nobody else's.
        let entry = ca_load_relaxed_u64(memory.entry(0, row: row, port: Int(made.port)))
        return entry == 0 || entry == UInt64(made.mapping) + 1
    }
}

import CAtomics
import FlowAnchorABI
import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import AnchorDataPlane

/// Programs on threads make flows and put them into chains while the daemon's side takes flows out, tells of others
/// that began elsewhere, removes hosts, and walks along their chains.
@Suite struct ChainRaceTests {
    private static let programs = 2
    private static let rounds = 400
    private static let kept = 30

    private final class State: Sendable {
        let now = Atomic<UInt32>(10)
        let isStopped = Atomic(false)
        let made = Atomic(0)
        let walked = Atomic(0)
        let wrong = Atomic(0)
    }

    private let hosts = (1...4).map { IPAddress.ten($0) }
    /// Its flows from elsewhere never end.
    private var steady: IPAddress { hosts[0] }

    private func away(_ number: Int, seen: UInt32) -> RoamingFlow {
        RoamingFlow(
            transport: 6, localPort: UInt16(1000 + number), remote: .documentation(number % 7), remotePort: 443,
            anchor: UInt32(number % 5), lastSeen: seen)
    }

    @Test func `each chain has exactly the live flows of its host, and a walk meets each that stays once`() throws {
        let runs = ProgramRuns(Self.programs)
        let bench = NATBench(translations: 8192) { runs.wait() }
        let state = State()
        for (number, host) in hosts.enumerated() { try bench.subscribe(host, blocks: [2 + number], limit: 300) }
        // So far ahead that they are new for ever.
        let kept = (0..<Self.kept).map { away($0, seen: 1_000_000) }
        #expect(bench.table.insertAway(kept, of: steady).inserted == Self.kept)
        let threads = runs.counters.enumerated().map { program(UInt64($0), bench.memory, state, $1) }
        let walk = walker(bench.table, state)
        var random = Splitmix(seed: 4711)
        let ticks = NATTicks(tcpEstablished: 6, tcpTransitory: 4, udp: 4, icmp: 3)
        var removed = NATPass()
        for round in 0..<Self.rounds {
            let now = state.now.add(1, ordering: .relaxed).newValue
            var place: Int? = 0
            while let from = place {
                removed.add(bench.table.expire(ticks, now: now, from: from, places: 3000))
                place = removed.next
            }
            let host = hosts[1 + Int(random.next() % 3)]
            switch round % 4 {
            case 0:
                bench.table.removeSubscriber(host)
                try bench.table.setSubscriber(
                    inside: host, outside: NATBench.outside, flowLimit: 300,
                    blocks: [PortBlock(outside: 0, number: 10 + round % 100)])
            case 1:
                _ = bench.table.removeAway(of: host, router: UInt32(random.next() % 5))
            default:
                let first = Int(random.next() % 200)
                _ = bench.table.insertAway((first..<first + 60).map { away($0, seen: now &- 66) }, of: host)
            }
        }
        state.isStopped.store(true, ordering: .relaxed)
        for thread in threads + [walk] { thread.wait() }
        #expect(bench.chainsAreRight(ignoring: { bench.memory.translations.word($0).state == .claimed }))
        #expect(state.wrong.load(ordering: .relaxed) == 0)
        #expect(state.made.load(ordering: .relaxed) > 1000 && state.walked.load(ordering: .relaxed) > 100)
        #expect(removed.flowsRemoved > 1000 && removed.awayFlowsRemoved > 1000)
        let after = bench.table.expire(ticks, now: state.now.load(ordering: .relaxed), from: 0, places: .max)
        #expect(after.counts.awayFlows >= Self.kept)
        #expect(bench.chainsAreRight)
        #expect(bench.table.removeAway(of: steady, router: nil) >= Self.kept)
        _ = bench.table.expire(ticks, now: state.now.load(ordering: .relaxed) + 1000, from: 0, places: .max)
        #expect(bench.isSwept)
        for host in hosts { #expect(bench.table.subscriber(host)?.flows == 0) }
    }

    private func program(
        _ number: UInt64, _ memory: NATMemory, _ state: State, _ counter: ProgramRuns.Counter
    ) -> DispatchSemaphore {
        thread(state) { [hosts] random in
            let program = NATProgram(memory: memory)
            let host = hosts[Int(random.next() % UInt64(hosts.count))]
            let flow = NATProgram.Flow.udp(host, UInt16(random.next() % 40), to: .documentation(Int(random.next() % 3)))
            let now = state.now.load(ordering: .relaxed)
            counter.run {
                if let up = program.find(flow) {
                    program.touch(up, now: now)
                } else if (try? program.make(flow, now: now)) != nil {
                    state.made.add(1, ordering: .relaxed)
                }
            }
            if random.next() % 64 == 0 { sched_yield() }
        }
    }

    private func walker(_ table: NATTable, _ state: State) -> DispatchSemaphore {
        thread(state) { [hosts, steady] random in
            var count = 0
            var ports: Set<UInt16> = []
            table.flows(of: steady) { flow in
                if flow.anchor != nil, flow.localPort < 1000 + UInt16(Self.kept) {
                    count += 1
                    ports.insert(flow.localPort)
                }
                return true
            }
            if count != Self.kept || ports.count != Self.kept { state.wrong.add(1, ordering: .relaxed) }
            // Of the others nothing is there to stay; but each is its own.
            table.flows(of: hosts[1 + Int(random.next() % 3)]) { flow in
                if (flow.anchor == nil) != (flow.transport == 17) { state.wrong.add(1, ordering: .relaxed) }
                return true
            }
            state.walked.add(1, ordering: .relaxed)
        }
    }

    /// Does something again and again until all is over.
    private func thread(_ state: State, _ body: @escaping @Sendable (inout Splitmix) -> Void) -> DispatchSemaphore {
        let end = DispatchSemaphore(value: 0)
        Thread.detachNewThread {
            var random = Splitmix(seed: UInt64(UInt(bitPattern: ObjectIdentifier(end))))
            while !state.isStopped.load(ordering: .relaxed) { body(&random) }
            end.signal()
        }
        return end
    }
}

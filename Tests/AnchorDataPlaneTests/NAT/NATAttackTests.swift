import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// Hosts that want all of it: ports (T12) and the table (T3).
@Suite struct NATAttackTests {
    private let attacker = IPAddress.ten(1)
    private let other = IPAddress.ten(2)
    private static let ticks = NATTicks(tcpEstablished: 7000, tcpTransitory: 240, udp: 300, icmp: 60)

    @Test func `a host that takes all of its ports takes none of another's`() throws {
        let bench = NATBench(translations: 16384)
        let program = NATProgram(memory: bench.memory)
        try bench.subscribe(attacker, blocks: [2, 3], limit: 100_000)
        try bench.subscribe(other, blocks: [4])
        var refused = 0
        for port in 0..<2000 where (try? program.make(.udp(attacker, UInt16(port)))) == nil { refused += 1 }
        #expect(refused == 2000 - 2 * PortBlock.size)
        #expect(bench.table.subscriber(attacker)?.refused == UInt32(refused))
        #expect(bench.table.subscriber(attacker)?.wantsBlock == true)
        // Its other protocols, and other hosts, are as before.
        _ = try program.make(.tcp(attacker, 1))
        for port in 0..<100 {
            let made = try program.make(.udp(other, UInt16(port)))
            #expect(PortBlock(outside: 0, number: 4).ports.contains(made.port))
        }
        #expect(bench.table.subscriber(other)?.refused == 0)
    }

    @Test func `a flood of flows ends at the host's limit, and leaves room for others`() throws {
        let bench = NATBench(translations: 16384)
        let program = NATProgram(memory: bench.memory)
        try bench.subscribe(attacker, blocks: [2], limit: 1000)
        try bench.subscribe(other, blocks: [3], limit: 1000)
        for number in 0..<5000 {
            let flow = NATProgram.Flow(
                inside: attacker, insidePort: 5000, remote: IPAddress(v4: 0xcb00_7100 + UInt32(number / 250)),
                remotePort: UInt16(number % 250), transport: 6)
            _ = try? program.make(flow, now: 0)
        }
        #expect(bench.table.subscriber(attacker)?.flows == 1000)
        #expect(bench.table.subscriber(attacker)?.refused == 4000)
        for port in 0..<200 { _ = try program.make(.tcp(other, UInt16(port)), now: 200) }
        // What the flood has taken is free again when it is over, what the other has stays.
        let pass = bench.table.expire(Self.ticks, now: 241, from: 0, places: .max)
        #expect(pass.flowsRemoved == 1000)
        #expect(pass.counts.tcp == 200)
        #expect(bench.table.subscriber(attacker)?.flows == 0)
        _ = try program.make(.tcp(attacker, 1), now: 242)
    }

    @Test func `a full table takes no live flow out, and counts what it refuses`() throws {
        let bench = NATBench(translations: 256)
        let program = NATProgram(memory: bench.memory)
        try bench.subscribe(other, blocks: [3])
        let kept = try (0..<20).map { try program.make(.tcp(other, UInt16($0)), now: 0) }
        try bench.subscribe(attacker, blocks: [2], limit: 100_000)
        var refused: UInt32 = 0
        for port in 0..<400 where (try? program.make(.udp(attacker, UInt16(port)), now: 0)) == nil { refused += 1 }
        #expect(refused > 300)
        #expect(bench.table.subscriber(attacker)?.refused == refused)
        for flow in kept {
            #expect(bench.memory.isInUse(flow.up, as: NATKind.up) && bench.memory.isInUse(flow.down, as: NATKind.down))
        }
        // What was begun and refused has left nothing behind for longer than a mapping is kept.
        _ = bench.table.expire(Self.ticks, now: 301, from: 0, places: .max)
        #expect(bench.isSwept)
    }

    @Test func `a host that comes and goes gets no more than the blocks of one`() throws {
        let bench = NATBench()
        let program = NATProgram(memory: bench.memory)
        for round in 0..<50 {
            try bench.subscribe(attacker, blocks: [2 + round % 2])
            _ = try program.make(.tcp(attacker, UInt16(round)), now: UInt32(round))
            bench.table.removeSubscriber(attacker)
            let pass = bench.table.expire(Self.ticks, now: UInt32(round), from: 0, places: .max)
            #expect(pass.released.count == 1)
        }
        #expect(bench.isSwept)
        #expect(bench.table.blocksInUse().isEmpty)
    }
}

import CAtomics
import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

@Suite struct ExpiryTests {
    private let host = IPAddress.ten(1)
    private static let ticks = NATTicks(tcpEstablished: 7000, tcpTransitory: 240, udp: 300, icmp: 60)

    private func bench() throws -> (NATBench, NATProgram) {
        let bench = NATBench()
        try bench.subscribe(host, limit: 1000)
        return (bench, NATProgram(memory: bench.memory))
    }

    @discardableResult
    private func expire(_ bench: NATBench, at now: UInt32, _ ticks: NATTicks = Self.ticks, places: Int = .max)
        -> NATPass
    {
        var pass = bench.table.expire(ticks, now: now, from: 0, places: places)
        while let next = pass.next { pass.add(bench.table.expire(ticks, now: now, from: next, places: places)) }
        return pass
    }

    /// Whether the flow is there this many ticks after its last packet, and gone one later.
    private func ends(_ bench: NATBench, after ticks: UInt32, last: UInt32) -> Bool {
        let kept = expire(bench, at: last + ticks)
        guard kept.flowsRemoved == 0, kept.counts.flows == 1 else { return false }
        return expire(bench, at: last + ticks + 1).flowsRemoved == 1
    }

    @Test func `a TCP flow that was never answered is transitory`() throws {
        let (bench, program) = try bench()
        _ = try program.make(.tcp(host, 5000), now: 10)
        #expect(ends(bench, after: 240, last: 10))
        #expect(bench.isSwept)
        #expect(bench.table.subscriber(host)?.flows == 0)
    }

    @Test func `one with a SYN from both sides is established, until both have sent a FIN`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.tcp(host, 5000), now: 10)
        program.touch(flow.down, now: 12, seen: FA_NAT_SEEN | FA_NAT_SYN)
        program.touch(flow.up, now: 20, seen: FA_NAT_SEEN | FA_NAT_FIN)
        #expect(expire(bench, at: 20 + 240 + 1).flowsRemoved == 0, "one side goes on")
        program.touch(flow.down, now: 1000, seen: FA_NAT_SEEN)
        #expect(expire(bench, at: 1000 + 7000).flowsRemoved == 0)
        program.touch(flow.down, now: 9000, seen: FA_NAT_SEEN | FA_NAT_FIN)
        #expect(ends(bench, after: 240, last: 9000))
        #expect(bench.isSwept)
    }

    @Test func `an established one that falls silent stays for two hours and more`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.tcp(host, 5000), now: 10)
        program.touch(flow.down, now: 12, seen: FA_NAT_SEEN | FA_NAT_SYN)
        #expect(ends(bench, after: 7000, last: 12))
    }

    @Test(arguments: [true, false]) func `a reset from either side makes it transitory`(isFromHost: Bool) throws {
        let (bench, program) = try bench()
        let flow = try program.make(.tcp(host, 5000), now: 10)
        program.touch(flow.down, now: 12, seen: FA_NAT_SEEN | FA_NAT_SYN)
        program.touch(isFromHost ? flow.up : flow.down, now: 30, seen: FA_NAT_SEEN | FA_NAT_RST)
        #expect(ends(bench, after: 240, last: 30))
    }

    @Test func `UDP packets from either side keep a flow`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.udp(host, 5000), now: 0)
        program.touch(flow.down, now: 290)
        #expect(expire(bench, at: 400).flowsRemoved == 0)
        program.touch(flow.up, now: 500)
        #expect(ends(bench, after: 300, last: 500))
        #expect(bench.isSwept)
    }

    @Test func `UDP packets from the core keep no flow where they shall not`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.udp(host, 5000), now: 0)
        var ticks = Self.ticks
        ticks.udpInboundRefresh = false
        program.touch(flow.down, now: 290)
        #expect(expire(bench, at: 300, ticks).flowsRemoved == 0)
        #expect(expire(bench, at: 301, ticks).flowsRemoved == 1)
    }

    @Test func `an echo has a minute`() throws {
        let (bench, program) = try bench()
        _ = try program.make(.ping(host, 7), now: 5)
        #expect(ends(bench, after: 60, last: 5))
        #expect(bench.isSwept)
    }

    @Test func `a mapping stays while any of its flows does`() throws {
        let (bench, program) = try bench()
        let first = try program.make(.udp(host, 5000, to: .documentation(1)), now: 0)
        let second = try program.make(.udp(host, 5000, to: .documentation(2)), now: 0)
        #expect(first.port == second.port, "endpoint-independent mapping")
        program.touch(second.up, now: 200)
        let pass = expire(bench, at: 400)
        #expect(pass.flowsRemoved == 1 && pass.mappingsRemoved == 0)
        #expect(bench.slots(NATKind.filter).count == 1, "the correspondent without a flow may not send any more")
        #expect(bench.memory.translations.slots[first.mapping].users == 1)
        #expect(expire(bench, at: 501).mappingsRemoved == 1)
        #expect(bench.isSwept)
    }

    @Test func `a UDP mapping without flows stays its own time`() throws {
        let (bench, program) = try bench()
        _ = try program.make(.udp(host, 5000, to: .documentation(1)), now: 0)
        // Another flow was about to be made and failed: the mapping was used later than its flow.
        program.touch(bench.slots(NATKind.mapping)[0], now: 250, seen: 0)
        #expect(expire(bench, at: 301).flowsRemoved == 1)
        #expect(bench.slots(NATKind.mapping).count == 1)
        #expect(expire(bench, at: 550).mappingsRemoved == 0)
        #expect(expire(bench, at: 551).mappingsRemoved == 1)
        #expect(bench.isSwept)
    }

    @Test func `a mapping that a program has just made is not taken from under it`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.tcp(host, 5000), now: 100)
        // The program that adds its flow to it in a moment finds it without users.
        bench.translation(flow.mapping).pointee.users = 0
        _ = expire(bench, at: 101)
        #expect(bench.memory.isInUse(flow.mapping, as: NATKind.mapping))
        bench.translation(flow.mapping).pointee.users = 1
    }

    @Test func `nothing is freed before programs that run have ended`() throws {
        let box = Box()
        let bench = NATBench { box.run() }
        try bench.subscribe(host)
        let flow = try NATProgram(memory: bench.memory).make(.tcp(host, 5000), now: 0)
        var waited = false
        box.body = {
            waited = true
            #expect(bench.memory.isInUse(flow.mapping, as: NATKind.mapping))
            #expect(bench.memory.translations.slots[flow.mapping].users == FA_NAT_GONE)
            #expect(bench.portsTaken == 1 && bench.portEntries == 1)
            // Not found any more, and nobody else's: who found it before may write when it was seen.
            for index in [flow.up, flow.down] {
                #expect(bench.memory.translations.word(index).state == .claimed)
                #expect(bench.memory.translations.word(index).tag == 0)
            }
            // What has found it before gets no user into it, and takes no other port for the same end.
            #expect(throws: NATProgram.Refusal.table) {
                try NATProgram(memory: bench.memory).make(.tcp(host, 5000, to: .documentation(3)), now: 300)
            }
        }
        expire(bench, at: 300)
        box.body = nil
        #expect(waited)
        #expect(bench.isSwept)
    }

    @Test func `half of a flow is taken out, once nobody can be about to make the other half`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.udp(host, 5000), now: 100)
        #expect(bench.memory.translations.remove(.init(index: flow.up, word: bench.memory.translations.word(flow.up))))
        #expect(expire(bench, at: 301).orphansRemoved == 0)
        #expect(expire(bench, at: 401).orphansRemoved == 1)
        #expect(bench.slots(NATKind.down).isEmpty)
        let other = try program.make(.udp(host, 5001), now: 500)
        #expect(
            bench.memory.translations.remove(.init(index: other.down, word: bench.memory.translations.word(other.down)))
        )
        #expect(expire(bench, at: 801).flowsRemoved == 1)
        #expect(bench.slots(NATKind.up).isEmpty)
    }

    @Test func `flows are counted by protocol as the pass goes by, in parts as well`() throws {
        let (bench, program) = try bench()
        for port in 0..<20 { _ = try program.make(.tcp(host, UInt16(port)), now: 0) }
        for port in 0..<10 { _ = try program.make(.udp(host, UInt16(port)), now: 0) }
        for port in 0..<5 { _ = try program.make(.ping(host, UInt16(port)), now: 0) }
        let pass = expire(bench, at: 1, places: 100)
        #expect(pass.counts.tcp == 20 && pass.counts.udp == 10 && pass.counts.icmp == 5)
        #expect(pass.counts.mappings == 35 && pass.counts.filters == 10)
        #expect(expire(bench, at: 301, places: 100).flowsRemoved == 35)
        #expect(bench.isSwept)
        #expect(bench.table.subscriber(host)?.flows == 0)
    }

    @Test func `the ticks' counter may wrap`() throws {
        let (bench, program) = try bench()
        _ = try program.make(.ping(host, 7), now: .max - 10)
        #expect(expire(bench, at: 49).flowsRemoved == 0)
        #expect(expire(bench, at: 51).flowsRemoved == 1)
    }

    // MARK: Subscribers that go

    @Test func `of a subscriber that was removed nothing is left after a pass, and its blocks are named`() throws {
        let (bench, program) = try bench()
        for port in 0..<20 {
            _ = try program.make(.udp(host, UInt16(port)), now: 0)
            _ = try program.make(.tcp(host, UInt16(port)), now: 0)
        }
        try bench.subscribe(.ten(2), blocks: [9])
        _ = try program.make(.tcp(.ten(2), 5000), now: 0)
        bench.table.removeSubscriber(host)
        let pass = expire(bench, at: 1)
        #expect(pass.flowsRemoved == 40)
        #expect(pass.released.map(\.inside) == [host])
        #expect(pass.released.first?.blocks.map(\.number) == [2])
        #expect(pass.counts.tcp == 1)
        #expect(bench.table.blocksInUse().map(\.number) == [9])
        #expect(bench.portsTaken == 1)
        #expect(expire(bench, at: 2).released.isEmpty)
    }

    @Test func `a host that is back at once gets none of the old ports`() throws {
        let (bench, program) = try bench()
        let old = try program.make(.udp(host, 5000), now: 0)
        bench.table.removeSubscriber(host)
        try bench.subscribe(host, blocks: [7])
        // Before the pass, what it sends from the same port goes the old way, and ends with it.
        let between = try program.make(.udp(host, 5000, to: .documentation(3)), now: 0)
        #expect(between.port == old.port)
        let first = expire(bench, at: 3)
        #expect(first.flowsRemoved == 2)
        #expect(first.released.count == 1)
        #expect(bench.table.subscriber(host)?.flows == 0)
        let new = try program.make(.udp(host, 5000), now: 4)
        #expect(PortBlock(outside: 0, number: 7).ports.contains(new.port))
    }

    @Test func `a flow that was being made while its subscriber went holds back the blocks, no longer`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.tcp(host, 5000), now: 100)
        // UP is not there yet: the pass doesn't see the flow.
        let word = bench.memory.translations.word(flow.up)
        bench.memory.translations.slots[flow.up].header.word = word.next(.claimed).raw
        bench.table.removeSubscriber(host)
        #expect(expire(bench, at: 101).released.isEmpty)
        bench.memory.translations.slots[flow.up].header.word = word.raw
        #expect(expire(bench, at: 102).released.count == 1)
        #expect(bench.isSwept)
    }

    @Test func `one that was removed before a restart is out after it`() throws {
        let (bench, program) = try bench()
        _ = try program.make(.tcp(host, 5000), now: 0)
        bench.table.removeSubscriber(host)
        let pass = bench.restarted().expire(Self.ticks, now: 1, from: 0, places: .max)
        #expect(pass.released.map(\.inside) == [host])
        #expect(bench.isSwept)
    }
}

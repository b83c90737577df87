import CAtomics
import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// A daemon that was killed anywhere, and starts anew over what it left.
@Suite struct NATRestartTests {
    private let host = IPAddress.ten(1)
    private static let ticks = NATTicks(tcpEstablished: 7000, tcpTransitory: 240, udp: 300, icmp: 60)

    private func bench() throws -> (NATBench, NATProgram) {
        let bench = NATBench()
        try bench.subscribe(host, limit: 1000)
        return (bench, NATProgram(memory: bench.memory))
    }

    private func remove(_ index: Int, _ bench: NATBench) {
        #expect(bench.memory.translations.remove(.init(index: index, word: bench.memory.translations.word(index))))
    }

    @Test func `flows, counts and ports are as they were`() throws {
        let (bench, program) = try bench()
        for port in 0..<10 { _ = try program.make(.udp(host, UInt16(port)), now: 0) }
        for number in 0..<5 { _ = try program.make(.udp(host, 100, to: .documentation(number)), now: 0) }
        let before = bench.table.subscriber(host)
        let table = NATTable(bench.memory, owner: bench) {}
        #expect(table.repair() == 0)
        #expect(table.subscriber(host) == before)
        #expect(bench.portsTaken == 11)
        #expect(table.expire(Self.ticks, now: 301, from: 0, places: .max).flowsRemoved == 15)
        #expect(bench.isSwept)
    }

    @Test func `killed before it had counted a flow off`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.udp(host, 5000), now: 0)
        remove(flow.up, bench)
        let table = NATTable(bench.memory, owner: bench) {}
        #expect(table.repair() > 0)
        #expect(table.subscriber(host)?.flows == 0)
        _ = table.expire(Self.ticks, now: 301, from: 0, places: .max)
        #expect(bench.isSwept)
    }

    @Test func `killed before it had freed a mapping`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.tcp(host, 5000), now: 0)
        remove(flow.up, bench)
        remove(flow.down, bench)
        bench.translation(flow.mapping).pointee.users = FA_NAT_GONE
        bench.memory.subscribers.slots[Int(bench.table.subscriber(host)?.index ?? 0)].flows = 0
        let table = bench.restarted()
        #expect(bench.isSwept)
        #expect(table.translations.entries == 0)
    }

    @Test func `killed before it had freed a port`() throws {
        let (bench, program) = try bench()
        let flow = try program.make(.tcp(host, 5000), now: 0)
        let other = try program.make(.tcp(host, 5001), now: 0)
        for index in [flow.up, flow.down, flow.mapping] { remove(index, bench) }
        bench.memory.entry(0, row: 0, port: Int(flow.port)).pointee = 0
        let table = NATTable(bench.memory, owner: bench) {}
        #expect(table.repair() == 3, "a port, the count of flows, and their chain")
        #expect(bench.portsTaken == 1)
        #expect(bench.memory.isInUse(other.mapping, as: NATKind.mapping))
    }

    @Test func `killed while a program was inserting`() throws {
        let (bench, _) = try bench()
        var key = fa_nat_key()
        key.kind = NATKind.up
        let wanted = TranslationKey(key)
        guard case .claimed = bench.memory.claim(wanted) else {
            Issue.record("no slot")
            return
        }
        let table = NATTable(bench.memory, owner: bench) {}
        #expect(table.repair() == 1)
        #expect(table.translations.entries == 0)
    }

    // MARK: Other sizes

    private func move(_ bench: NATBench, to other: NATBench) -> Int { other.table.move(from: bench.memory) }

    @Test func `flows go on when the table becomes larger`() throws {
        let (bench, program) = try bench()
        for port in 0..<100 { _ = try program.make(.udp(host, UInt16(port)), now: 0) }
        let port = try program.make(.tcp(host, 5000), now: 0).port
        let larger = NATBench(translations: 16384, subscribers: 256)
        #expect(move(bench, to: larger) == 0)
        #expect(larger.table.translations.entries == 100 * 4 + 3)
        #expect(larger.portsTaken == 101)
        #expect(larger.portEntries == 101)
        let moved = try #require(larger.table.subscriber(host))
        #expect(moved.flows == 101 && moved.blocks.map(\.number) == [2])
        let again = NATProgram(memory: larger.memory)
        let next = try again.make(.tcp(host, 5000, to: .documentation(77)), now: 1)
        #expect(next.port == port, "its mapping is there")
        #expect(larger.table.expire(Self.ticks, now: 400, from: 0, places: .max).flowsRemoved == 102)
        #expect(larger.isSwept)
    }

    @Test func `what finds no room in a smaller one is left out as a whole`() throws {
        let (bench, program) = try bench()
        for port in 0..<200 { _ = try program.make(.udp(host, UInt16(port)), now: 0) }
        let smaller = NATBench(translations: 256)
        let lost = move(bench, to: smaller)
        #expect(lost > 100 && lost < 200)
        #expect(smaller.slots(NATKind.up).count == 200 - lost)
        #expect(smaller.slots(NATKind.down).count == 200 - lost)
        #expect(smaller.table.subscriber(host)?.flows == 200 - lost)
        _ = smaller.table.expire(Self.ticks, now: 400, from: 0, places: .max)
        #expect(smaller.isSwept)
    }

    @Test func `subscribers of outside addresses that have no room any more are left out`() throws {
        let (bench, program) = try bench()
        try bench.table.setSubscriber(
            inside: .ten(2), outside: IPAddress("192.0.2.2")!, flowLimit: 10,
            blocks: [PortBlock(outside: 1, number: 2)])
        _ = try program.make(.tcp(host, 1), now: 0)
        _ = try program.make(.tcp(.ten(2), 1), now: 0)
        let one = NATBench(outside: [.init(first: NATBench.outside, count: 1, index: 0)])
        #expect(move(bench, to: one) == 1)
        #expect(one.table.subscriber(.ten(2)) == nil)
        #expect(one.table.subscriber(host)?.flows == 1)
    }
}

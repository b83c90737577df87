import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

@Suite struct SubscriberTests {
    private let host = IPAddress.ten(1)

    @Test func `a subscriber is read as it was made`() throws {
        let bench = NATBench()
        try bench.subscribe(host, blocks: [2, 7], limit: 40)
        let found = try #require(bench.table.subscriber(host))
        #expect(found.inside == host)
        #expect(found.outside == NATBench.outside)
        #expect(found.flowLimit == 40)
        #expect(found.flows == 0 && found.refused == 0 && !found.wantsBlock)
        #expect(found.blocks == [PortBlock(outside: 0, number: 2), PortBlock(outside: 0, number: 7)])
        #expect(bench.table.subscriber(at: found.index) == found)
        #expect(bench.table.subscriber(.ten(2)) == nil)
        #expect(bench.table.subscribers.entries == 1)
    }

    @Test func `a subscriber that is there keeps its blocks and its flows, and gets what is new`() throws {
        let bench = NATBench()
        try bench.subscribe(host, blocks: [2], limit: 40)
        _ = try NATProgram(memory: bench.memory).make(.tcp(host, 5000))
        try bench.subscribe(host, blocks: [3], limit: 50)
        let found = try #require(bench.table.subscriber(host))
        #expect(found.flowLimit == 50)
        #expect(found.flows == 1)
        #expect(found.blocks.map(\.number) == [2, 3])
        #expect(bench.table.subscribers.entries == 1)
    }

    @Test func `its outside address stays while it is a subscriber`() throws {
        let bench = NATBench()
        try bench.subscribe(host)
        #expect(throws: DataPlaneError.self) {
            try bench.table.setSubscriber(
                inside: host, outside: IPAddress("192.0.2.2")!, flowLimit: 1,
                blocks: [PortBlock(outside: 1, number: 2)])
        }
    }

    @Test func `what can't be is refused`() {
        let bench = NATBench()
        func set(_ inside: IPAddress, _ outside: IPAddress, _ blocks: [PortBlock]) throws {
            try bench.table.setSubscriber(inside: inside, outside: outside, flowLimit: 1, blocks: blocks)
        }
        let block = PortBlock(outside: 0, number: 2)
        #expect(throws: DataPlaneError.self, "IPv6") { try set(IPAddress("2001:db8::1")!, NATBench.outside, [block]) }
        #expect(throws: DataPlaneError.self, "no outside address") { try set(host, .ten(99), [block]) }
        #expect(throws: DataPlaneError.self, "another address's block") {
            try set(host, NATBench.outside, [PortBlock(outside: 1, number: 2)])
        }
        #expect(throws: DataPlaneError.self, "ports below 1024") {
            try set(host, NATBench.outside, [PortBlock(outside: 0, number: 1)])
        }
        #expect(throws: DataPlaneError.self, "more blocks than there is room for") {
            try set(host, NATBench.outside, (2..<19).map { PortBlock(outside: 0, number: $0) })
        }
        #expect(bench.table.subscriber(host) == nil)
    }

    @Test func `a table four times as large as there are hosts takes all of them`() throws {
        let outside = [OutsideRange(first: NATBench.outside, count: 17, index: 0)]
        let bench = NATBench(subscribers: 8192, outside: outside)
        for number in 0..<2048 {
            let block = PortBlock(outside: number / 126, number: PortBlock.first + number % 126)
            try bench.table.setSubscriber(
                inside: .ten(number), outside: outside.address(number: block.outside)!, flowLimit: 1, blocks: [block])
        }
        #expect(bench.table.subscribers.entries == 2048)
        for number in 0..<2048 { #expect(bench.table.subscriber(.ten(number)) != nil) }
    }

    @Test func `a full table says so`() throws {
        let bench = NATBench(subscribers: 8)
        #expect(throws: DataPlaneError.self) {
            for number in 0..<9 { try bench.subscribe(.ten(number), blocks: [2 + number]) }
        }
    }

    @Test func `a block that is granted is the last one, and the wish for it is fulfilled`() throws {
        let bench = NATBench(translations: 16384)
        let program = NATProgram(memory: bench.memory)
        try bench.subscribe(host, blocks: [2], limit: 2000)
        for port in 0..<512 { _ = try program.make(.udp(host, UInt16(port))) }
        #expect(throws: NATProgram.Refusal.ports) { try program.make(.udp(host, 600)) }
        #expect(bench.table.subscriber(host)?.wantsBlock == true)
        #expect(bench.table.grant(PortBlock(outside: 0, number: 9), to: host))
        #expect(bench.table.subscriber(host)?.wantsBlock == false)
        let made = try program.make(.udp(host, 600))
        #expect(PortBlock(outside: 0, number: 9).ports.contains(made.port))
        #expect(bench.table.subscriber(host)?.refused == 1)
        #expect(
            bench.table.portsInUse(bench.table.subscriber(host)?.blocks ?? []) == NATPortCount(udp: 513))
    }

    @Test func `nobody gets more blocks than there is room for`() throws {
        let bench = NATBench()
        try bench.subscribe(host, blocks: Array(2..<18))
        #expect(!bench.table.grant(PortBlock(outside: 0, number: 30), to: host))
        #expect(!bench.table.grant(PortBlock(outside: 0, number: 30), to: .ten(2)), "no subscriber")
        #expect(bench.table.subscriber(host)?.blocks.count == 16)
    }

    @Test func `blocks that are unused are taken back, all but one`() throws {
        let bench = NATBench()
        try bench.subscribe(host, blocks: [2, 3, 4])
        _ = try NATProgram(memory: bench.memory).make(.tcp(host, 5000))
        let wanted = [2, 3, 4].map { (block: PortBlock(outside: 0, number: $0), inside: host) }
        let taken = bench.table.takeBack(wanted)
        #expect(taken.map(\.block.number) == [3, 4])
        #expect(bench.table.subscriber(host)?.blocks.map(\.number) == [2])
        try bench.subscribe(.ten(2), blocks: [5, 6])
        let both = [5, 6].map { (block: PortBlock(outside: 0, number: $0), inside: IPAddress.ten(2)) }
        #expect(bench.table.takeBack(both).map(\.block.number) == [5])
        #expect(bench.waits.count.load(ordering: .relaxed) == 2, "one wait for all of a call")
    }

    @Test func `a block of which a program took a port meanwhile stays its subscriber's`() throws {
        let box = Box()
        let bench = NATBench { box.run() }
        try bench.subscribe(host, blocks: [2, 3])
        // A program that had found the block in the list before it was taken out of it.
        box.body = {
            let bits = bench.memory.bits(0, row: 0, port: PortBlock.size * 3 + 70)
            bits.storeBytes(of: 1 << 6, as: UInt64.self)
        }
        #expect(bench.table.takeBack([(block: PortBlock(outside: 0, number: 3), inside: host)]).isEmpty)
        #expect(bench.table.subscriber(host)?.blocks.map(\.number) == [2, 3])
        box.body = nil
    }

    @Test func `one that is removed is found no more, its slot and its blocks are not given to another`() throws {
        let bench = NATBench()
        try bench.subscribe(host, blocks: [2])
        try bench.subscribe(.ten(2), blocks: [3])
        let index = try #require(bench.table.subscriber(host)?.index)
        #expect(bench.table.removeSubscriber(host))
        #expect(!bench.table.removeSubscriber(host))
        #expect(bench.table.subscriber(host) == nil)
        #expect(bench.table.subscriber(at: index) == nil)
        #expect(bench.table.subscribers.entries == 1)
        #expect(Set(bench.table.blocksInUse().map(\.number)) == [2, 3])
        #expect(throws: NATProgram.Refusal.unassigned) { try NATProgram(memory: bench.memory).make(.tcp(host, 1)) }
        // It may come again at once, at another place.
        try bench.subscribe(host, blocks: [4])
        #expect(bench.table.subscriber(host)?.index != index)
        #expect(Set(bench.table.blocksInUse().map(\.number)) == [2, 3, 4])
    }

    @Test func `a daemon that starts anew finds subscribers, their blocks, and those on their way out`() throws {
        let bench = NATBench()
        try bench.subscribe(host, blocks: [2, 3], limit: 7)
        try bench.subscribe(.ten(2), blocks: [4])
        bench.table.removeSubscriber(.ten(2))
        let before = bench.table.subscriber(host)
        let table = bench.restarted()
        #expect(table.subscriber(host) == before)
        #expect(table.subscriber(.ten(2)) == nil)
        #expect(table.subscribers.entries == 1)
        #expect(Set(table.blocksInUse().map(\.number)) == [2, 3, 4])
    }

    @Test func `what a daemon had begun to fill when it was killed is free`() throws {
        let bench = NATBench()
        let key = fa_subscriber_key(host)
        guard case .claimed(let claim) = bench.memory.subscribers.claim(bench.memory.hash(key), key) else {
            Issue.record("no slot")
            return
        }
        let table = bench.restarted()
        #expect(bench.memory.subscribers.word(claim.index).state == .free)
        #expect(table.subscribers.entries == 0)
    }
}

/// Something to do while the table waits for programs.
final class Box: @unchecked Sendable {
    var body: (() -> Void)?
    func run() { body?() }
}

import AnchorDataPlane
import NetworkTypes
import Testing

@testable import AnchorDaemon

@Suite struct BlockPoolTests {
    private let ranges = [
        OutsideRange(first: IPAddress("192.0.2.1")!, count: 2, index: 0),
        OutsideRange(first: IPAddress("198.51.100.1")!, count: 1, index: 5),
    ]

    private func host(_ number: Int) -> IPAddress { IPAddress(v4: 0x0a01_0000 + UInt32(number)) }

    @Test func `a host has the same address each time, and hosts are spread over all`() {
        var pool = BlockPool(ranges)
        var counts: [IPAddress: Int] = [:]
        for number in 0..<60 {
            guard let (outside, block) = pool.take(for: host(number)) else {
                Issue.record("none is free")
                return
            }
            counts[outside, default: 0] += 1
            pool.giveBack(block)
            #expect(pool.take(for: host(number))?.outside == outside)
        }
        #expect(counts.count == 3)
        #expect(counts.values.allSatisfy { $0 > 8 })
    }

    @Test func `each block is given out once, and none below port 1024`() {
        var pool = BlockPool(ranges)
        #expect(pool.free == 3 * 126)
        var given: Set<PortBlock> = []
        while let (outside, block) = pool.take(for: host(given.count)) {
            #expect(given.insert(block).inserted)
            #expect(block.ports.lowerBound >= 1024)
            #expect(ranges.number(of: outside) == block.outside)
        }
        #expect(given.count == 3 * 126 && pool.free == 0)
        for range in ranges { #expect(pool.take(of: range.first) == nil) }
        pool.giveBack(PortBlock(outside: 5, number: 9))
        #expect(pool.take(for: host(1))?.outside == IPAddress("198.51.100.1"))
    }

    @Test func `an address keeps a quarter of its blocks for hosts that need more, while others have room`() {
        var pool = BlockPool(ranges)
        let favourite = pool.take(for: host(7))?.outside
        var same = 1
        while let (outside, _) = pool.take(for: host(7)), outside == favourite { same += 1 }
        #expect(same == 126 - 126 / 4)
        #expect(favourite.map { pool.free(of: $0) } == 126 / 4)
    }

    @Test func `the last block of many addresses is found`() {
        var pool = BlockPool([OutsideRange(first: IPAddress("198.51.0.0")!, count: 200, index: 0)])
        var count = 0
        while pool.take(for: host(count)) != nil { count += 1 }
        #expect(count == 200 * BlockPool.perAddress)
        pool.giveBack(PortBlock(outside: 150, number: 77))
        #expect(pool.take(for: host(1))?.block == PortBlock(outside: 150, number: 77))
    }

    @Test func `what is somebody's already is not given out`() {
        var pool = BlockPool([OutsideRange(first: IPAddress("192.0.2.1")!, count: 1, index: 0)])
        for number in 2..<127 { pool.reserve(PortBlock(outside: 0, number: number)) }
        pool.reserve(PortBlock(outside: 0, number: 50))
        pool.reserve(PortBlock(outside: 7, number: 50))
        #expect(pool.free == 1)
        #expect(pool.take(for: host(1))?.block.number == 127)
        pool.giveBack(PortBlock(outside: 0, number: 1))
        #expect(pool.free == 0, "not one of those that are given out")
    }
}

import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

@Suite struct OutsideRangeTests {
    private func address(_ text: String) -> IPAddress { IPAddress(text)! }

    @Test func `addresses have the numbers of their range`() {
        let ranges = [
            OutsideRange(first: address("192.0.2.8"), count: 3, index: 0),
            OutsideRange(first: address("198.51.100.1"), count: 1, index: 3),
        ]
        #expect(ranges.number(of: address("192.0.2.10")) == 2)
        #expect(ranges.number(of: address("192.0.2.11")) == nil)
        #expect(ranges.number(of: address("192.0.2.7")) == nil)
        #expect(ranges.number(of: address("198.51.100.1")) == 3)
        #expect(ranges.address(number: 1) == address("192.0.2.9"))
        #expect(ranges.address(number: 4) == nil)
        #expect(ranges.capacity == 4)
        #expect(ranges.map(\.description) == ["192.0.2.8-192.0.2.10", "198.51.100.1"])
    }

    @Test func `a range keeps its numbers when others come and go`() {
        let first = [OutsideRange].numbered([(address("192.0.2.8"), 4), (address("198.51.100.1"), 1)])
        #expect(first.map(\.index) == [0, 4])
        let second = [OutsideRange].numbered(
            [(address("203.0.113.0"), 2), (address("198.51.100.1"), 1), (address("192.0.2.9"), 2)], keeping: first)
        // 203.0.113.0 fits nowhere before, 192.0.2.9 was the second of the first range.
        #expect(second.map(\.index) == [5, 4, 1])
        let third = [OutsideRange].numbered([(address("203.0.113.9"), 1), (address("192.0.2.9"), 2)], keeping: second)
        #expect(third.map(\.index) == [0, 1])
    }

    @Test func `ranges are prefixes together`() {
        let range = OutsideRange(first: address("192.0.2.7"), count: 6, index: 0)
        #expect(range.prefixes.map(\.description) == ["192.0.2.7/32", "192.0.2.8/30", "192.0.2.12/32"])
        let all = OutsideRange(first: address("255.255.255.254"), count: 2, index: 0)
        #expect(all.prefixes.map(\.description) == ["255.255.255.254/31"])
    }

    @Test func `inside and outside survive the way through shared memory`() {
        var configuration = DataPlaneConfiguration()
        configuration.inside = [IPPrefix("10.1.0.0/16")!, IPPrefix("10.9.1.128/25")!]
        configuration.outside = [
            OutsideRange(first: address("192.0.2.8"), count: 3, index: 5),
            OutsideRange(first: address("198.51.100.1"), count: 1, index: 0),
        ]
        let config = fa_config(configuration, addresses: [], over: fa_config())
        #expect(config.inside_count == 2 && config.outside_count == 2)
        #expect(config.outside.0.first == 0xc000_0208)
        #expect(config.inside.0.mask_be == UInt32(0xffff_0000).bigEndian)
        #expect(DataPlaneConfiguration(config) == configuration)
    }

    @Test func `too many ranges, and what is not IPv4, are refused by name`() {
        var configuration = DataPlaneConfiguration()
        configuration.inside = [IPPrefix("2001:db8::/32")!]
        #expect(throws: DataPlaneError.self) { try configuration.check() }
        configuration.inside = []
        configuration.outside = (0..<9).map { OutsideRange(first: .ten($0), count: 1, index: $0) }
        #expect(throws: DataPlaneError.self) { try configuration.check() }
    }

    @Test func `blocks are named by their ports`() {
        let block = PortBlock(outside: 3, number: 127)
        #expect(block.description == "65024-65535")
        #expect(block.outside == 3 && block.number == 127)
        #expect(PortBlock(outside: 0, number: PortBlock.first).ports.lowerBound == 1024)
    }

    @Test func `the structs have the sizes that programs reckon with`() {
        #expect(MemoryLayout<fa_translation>.size == 64)
        #expect(MemoryLayout<fa_subscriber>.size == 128)
        #expect(MemoryLayout<fa_nat_block>.size == 192)
        #expect(MemoryLayout<fa_nat_fragment>.size == 32)
        #expect(NATOffset.kind == 21 && NATOffset.use == 48 && NATOffset.owner == 60 && NATOffset.blocks == 64)
    }
}

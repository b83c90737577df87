import NetworkTypes
import PacketKit
import Testing

@testable import AnchorDaemon

@Suite struct FirstPacketTests {
    private static let ethernet: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9]
    private static let v4: [UInt8] =
        [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0] + [10, 1, 0, 7] + [198, 51, 100, 2]
    private static let v6: [UInt8] =
        [0x60, 0, 0, 0, 0, 0, 17, 64] + [0xfd, 1] + [UInt8](repeating: 0, count: 13) + [7]
        + [UInt8](repeating: 1, count: 16)

    @Test(arguments: [[], [0x81, 0, 0, 7], [0x88, 0xa8, 0, 7, 0x81, 0, 0, 9]] as [[UInt8]])
    func `a frame says its station and source, tagged or not`(_ tags: [UInt8]) throws {
        let first = try #require(FirstPacket(Self.ethernet + tags + [8, 0] + Self.v4))
        #expect(first.station == MACAddress(bits: 0x0200_0000_0009))
        #expect(first.source == IPAddress("10.1.0.7"))
        let second = try #require(FirstPacket(Self.ethernet + tags + [0x86, 0xdd] + Self.v6))
        #expect(second.source == IPAddress("fd01::7"))
    }

    @Test func `a frame that is cut short anywhere, or holds something else, says nothing`() {
        for (type, packet) in [([8, 0], Self.v4), ([0x86, 0xdd], Self.v6)] as [([UInt8], [UInt8])] {
            let whole = Self.ethernet + type + packet
            for count in 0..<(14 + (type == [8, 0] ? 20 : 40)) {
                #expect(FirstPacket(Array(whole.prefix(count))) == nil)
            }
        }
        #expect(FirstPacket(Self.ethernet + [8, 6] + Self.v4) == nil)
        #expect(FirstPacket(Self.ethernet + [0x81, 0, 0, 7, 0x81, 0, 0, 7, 0x81, 0, 0, 7, 8, 0] + Self.v4) == nil)
    }
}

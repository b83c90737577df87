import NetworkTypes
import PacketKit
import Testing

@Suite struct FrameTests {
    let a = IPAddress("10.0.0.1")!
    let b = IPAddress("10.0.0.2")!

    @Test func `the IPv4 header of RFC 1071's users sums to all ones`() {
        let bytes = Frame.encode([.ipv4(.init(a, b)), .udp(.init(1, 2)), .payload([1, 2, 3])])
        var sum = InternetChecksum()
        sum.add(bytes[..<20])
        #expect(sum.folded == 0xffff)
        #expect(bytes.count == 31 && bytes[2...3] == [0, 31] && bytes[9] == 17)
    }

    @Test func `transport checksums cover the pseudo header`() {
        let bytes = Frame.encode([.ipv4(.init(a, b)), .tcp(.syn(1000, 80, mss: 1460))])
        var sum = InternetChecksum()
        sum.add(a.bytes + b.bytes)
        sum.add(UInt16(6))
        sum.add(UInt16(24))
        sum.add(bytes[20...])
        #expect(sum.folded == 0xffff)
    }

    @Test func `headers nest and name what is inside`() {
        let six = IPAddress("2001:db8::1")!
        let inner = Frame.encode([.ipv6(.init(six, six)), .icmp(.init(type: 128))])
        let outer = Frame.encode([
            .ethernet(.init(destination: .zero, source: .zero, tags: [7])), .ipv4(.init(a, b)),
            .gre(.init(key: 9, sequence: 3)), .ipv6(.init(six, six)), .icmp(.init(type: 128)),
        ])
        #expect(outer[12..<18] == [0x81, 0, 0, 7, 8, 0])
        #expect(outer[18 + 9] == 47)
        #expect(outer[38..<50] == [0x30, 0, 0x86, 0xdd, 0, 0, 0, 9, 0, 0, 0, 3])
        #expect(Array(outer[50...]) == inner)
    }

    @Test func `extension headers are chained`() {
        var header = Layer.IPv6(IPAddress("2001:db8::1")!, IPAddress("2001:db8::2")!)
        header.extensions = [.init(0, [0, 0, 1, 4, 0, 0, 0, 0]), .init(60, [0, 0, 1, 4, 0, 0, 0, 0])]
        let bytes = Frame.encode([.ipv6(header), .udp(.init(1, 2))])
        #expect(bytes[6] == 0 && bytes[40] == 60 && bytes[48] == 17)
        #expect(bytes[4...5] == [0, 24])
    }
}

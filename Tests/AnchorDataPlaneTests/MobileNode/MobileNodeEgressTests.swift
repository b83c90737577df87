import KernelTestSupport
import NetworkTypes
import PacketKit
import Testing

@testable import AnchorDataPlane

/// The way out of a mobile node [0046].
@Suite(.kernel) struct MobileNodeEgressTests {
    private let udp: [Layer] = [.udp(.init(4000, 53)), .payload(Array(0..<64))]

    @Test(arguments: AddressFamily.allCases)
    func `a current address leaves as it is`(_ family: AddressFamily) throws {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: family, inner: family, kind: .ipip)
        try way.add(to: bench)
        let packet = Frame.encode([.towardsGateway, .ip(way.careOf, way.correspondent)] + udp)
        let result = try bench.send(packet)
        #expect(result.verdict == .pass)
        #expect(result.packet == packet)
    }

    @Test func `an address that is not the node's leaves as it is and makes no flow`() throws {
        let bench = try MobileNodeBench()
        let packet = Frame.encode([.towardsGateway, .ip(IPAddress("10.1.2.3")!, IPAddress("10.9.9.9")!)] + udp)
        let result = try bench.send(packet)
        #expect(result.verdict == .pass)
        #expect(result.packet == packet)
        #expect(try bench.allFlows().isEmpty)
    }

    @Test(arguments: TunnelCase.all)
    func `an old address goes through the tunnel to its anchor`(_ way: TunnelCase) throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        // What is in the frame's link header is the kernel's idea; the path knows better.
        let astray = Layer.ethernet(.init(destination: MACAddress(bits: 0x02_00_00_00_00_aa), source: .zero))
        let inner = [Layer.ip(way.address, way.correspondent, dscp: 46, ecn: 2)] + udp
        for sequence in UInt32(0)..<3 {
            let result = try bench.send(Frame.encode([astray] + inner))
            let outer = way.outerLayers(up: true, dscp: 46, ecn: 2, sequence: sequence)
            #expect(result.verdict == .pass)
            #expect(result.packet == Frame.encode([.towardsGateway] + outer + inner))
        }
        #expect(try bench.count("encapsulated") == 3)
    }

    @Test(arguments: [NextHop.kernel, .neighbour(IPAddress("198.51.100.253")!, port: 1)])
    func `the kernel finds a next hop that is not resolved`(_ nextHop: NextHop) throws {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: .v4, inner: .v4, kind: .ipip)
        try bench.addTunnelled(way.address, anchor: way.anchor, from: way.careOf, nextHop: nextHop)
        let inner = [Layer.ip(way.address, way.correspondent)] + udp
        let result = try bench.send(Frame.encode([.towardsGateway] + inner))
        #expect(result.verdict == .redirect)
        #expect(result.packet == Frame.encode([.towardsGateway] + way.outerLayers(up: true) + inner))
    }

    @Test func `an address without a path is dropped under a reason`() throws {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: .v4, inner: .v4, kind: .ipip)
        try bench.dataPlane.setHost(
            HostEntry(
                key: HostKey(way.address), node: 1, tunnel: HostTunnel(peer: way.anchor, kind: .ipip, path: 0),
                isOwn: true))
        #expect(
            try bench.send(Frame.encode([.towardsGateway, .ip(way.address, way.correspondent)] + udp)).verdict == .drop)
        #expect(try bench.count("no_route") == 1)
    }

    @Test func `multicast and neighbour discovery stay on the link`() throws {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: .v6, inner: .v6, kind: .ipip)
        try way.add(to: bench)
        let other = TunnelCase(outer: .v4, inner: .v4, kind: .ipip)
        try other.add(to: bench)
        let solicitation = Layer.icmp(.init(type: 135))
        let target = Layer.payload([UInt8](repeating: 0, count: 16))
        let packets: [[Layer]] = [
            [.ip(way.address, IPAddress("ff02::fb")!)] + udp,
            [.ip(way.address, IPAddress("fe80::1")!)] + udp,
            [.ip(way.address, way.correspondent), solicitation, target],
            [.ip(other.address, IPAddress("224.0.0.251")!)] + udp,
            [.ip(other.address, IPAddress("255.255.255.255")!)] + udp,
        ]
        for layers in packets {
            let packet = Frame.encode([.towardsGateway] + layers)
            let result = try bench.send(packet)
            #expect(result.verdict == .pass)
            #expect(result.packet == packet)
        }
        #expect(try bench.allFlows().isEmpty)
    }

    // MARK: Sizes

    @Test(arguments: TunnelCase.all)
    func `the shortest packets go through the tunnel and come out of it`(_ way: TunnelCase) throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        var header = Layer.ip(way.address, way.correspondent)
        let result = try bench.send(Frame.encode([.towardsGateway, header]))
        #expect(result.packet == Frame.encode([.towardsGateway] + way.outerLayers(up: true) + [header]))
        header = .ip(way.correspondent, way.address)
        let back = try bench.receive(
            Frame.encode([.towardsNode] + way.outerLayers(up: false, sequence: 1) + [header]))
        #expect(back.verdict == .pass)
        #expect(back.packet == Frame.encode([.towardsNode, header]))
    }

    @Test(arguments: TunnelCase.all)
    func `a packet that does not fit is answered, and the largest that fits goes`(_ way: TunnelCase) throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        let overhead = Encapsulation(source: way.careOf, kind: EncapsulationKind(way.kind)).overhead
        let header = way.inner == .v4 ? 28 : 48
        func packet(_ size: Int) -> [Layer] {
            [
                .ip(way.address, way.correspondent), .udp(.init(4000, 53)),
                .payload([UInt8](repeating: 7, count: size - header)),
            ]
        }
        #expect(try bench.send(Frame.encode([.towardsGateway] + packet(1500 - overhead))).verdict == .pass)

        let large = Frame.encode([.towardsGateway] + packet(1501 - overhead))
        let result = try bench.send(large)
        #expect(result.verdict == .redirect)
        let quote = Layer.payload(Array(large.dropFirst(14).prefix(256)))
        let size = UInt32(1500 - overhead)
        let back = Layer.ethernet(.init(destination: MACAddress(bits: 1), source: MobileNodeBench.gatewayMAC))
        var expected: [Layer]
        if way.inner == .v4 {
            var ip = Layer.IPv4(way.correspondent, way.address)
            ip.dscp = 48
            expected = [.ipv4(ip), .icmp(.init(type: 3, code: 4, rest: size))]
        } else {
            expected = [.ip(way.correspondent, way.address), .icmp(.init(type: 2, rest: size))]
        }
        expected.append(quote)
        #expect(result.packet == Frame.encode([back] + expected))
        #expect(try bench.count("icmp_too_big") == 1)
    }

    @Test(arguments: [[], [1], [1, 1, 1], [4, 2, 1]] as [[UInt8]])
    func `the segment size in a SYN is lowered wherever the option is`(_ before: [UInt8]) throws {
        let bench = try MobileNodeBench()
        for family in AddressFamily.allCases {
            let way = TunnelCase(outer: family, inner: family, kind: .ipip)
            try way.add(to: bench)
            func syn(_ mss: UInt16) -> [UInt8] {
                var tcp = Layer.TCP(1000, 80, flags: Layer.TCP.syn)
                tcp.options = before + [2, 4, UInt8(mss >> 8), UInt8(mss & 0xff)]
                tcp.options += [UInt8](repeating: 0, count: (4 - tcp.options.count % 4) % 4)
                return Frame.encode([.towardsGateway, .ip(way.careOf, way.correspondent), .tcp(tcp)])
            }
            let limit: UInt16 = family == .v4 ? 1400 : 1380
            #expect(try bench.send(syn(1460)).packet == syn(limit))
            #expect(try bench.send(syn(536)).packet == syn(536))
        }
    }

    @Test func `with both attachments in use and copies asked for, one of them goes through the tunnel`() throws {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: .v4, inner: .v4, kind: .ipip)
        try way.add(to: bench, isBicast: true)
        let inner = [Layer.ip(way.address, way.correspondent)] + udp
        let result = try bench.send(Frame.encode([.towardsGateway] + inner))
        #expect(result.verdict == .pass)
        #expect(result.packet == Frame.encode([.towardsGateway] + way.outerLayers(up: true) + inner))
        #expect(try bench.allFlows().map(\.packetsUp) == [1])
    }
}

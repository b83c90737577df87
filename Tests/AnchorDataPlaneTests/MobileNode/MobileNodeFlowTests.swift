import KernelTestSupport
import NetworkTypes
import PacketKit
import Testing

@testable import AnchorDataPlane

/// The mobile node's flow table [0037] [0041b].
@Suite(.kernel) struct MobileNodeFlowTests {
    private let way = TunnelCase(outer: .v4, inner: .v4, kind: .ipip)

    private func up(_ layers: Layer...) -> [UInt8] {
        Frame.encode([.towardsGateway, .ip(way.address, way.correspondent)] + layers)
    }

    private func down(_ layers: Layer...) -> [UInt8] {
        Frame.encode([.towardsNode] + way.outerLayers(up: false) + [.ip(way.correspondent, way.address)] + layers)
    }

    private func key(_ local: UInt16, _ remote: UInt16, _ transport: UInt8) -> FlowKey {
        FlowKey(
            local: way.address, localPort: local, remote: way.correspondent, remotePort: remote, transport: transport)
    }

    @Test(arguments: [true, false])
    func `the first packet in either direction makes the flow, both count in it`(_ upFirst: Bool) throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        let request = up(.udp(.init(4000, 53)), .payload([1, 2, 3]))
        let answer = down(.udp(.init(53, 4000)), .payload([UInt8](repeating: 9, count: 100)))
        if upFirst { _ = try bench.send(request) }
        _ = try bench.receive(answer)
        if !upFirst { _ = try bench.send(request) }
        _ = try bench.receive(answer)
        let flow = try #require(try bench.allFlows().first)
        #expect(try bench.allFlows().count == 1)
        #expect(flow.key == key(4000, 53, 17))
        #expect(flow.anchor == way.anchor)
        #expect(flow.packetsUp == 1 && flow.bytesUp == 31)
        #expect(flow.packetsDown == 2 && flow.bytesDown == 256)
        #expect(bench.flows.statistics.entries == 1)
    }

    @Test func `a flow of a current address has no anchor elsewhere`() throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        _ = try bench.send(
            Frame.encode([.towardsGateway, .ip(way.careOf, way.correspondent), .tcp(.syn(1000, 80, mss: 1200))]))
        let flow = try #require(try bench.allFlows().first)
        #expect(flow.key.local == way.careOf)
        #expect(flow.anchor == nil)
        #expect(flow.hasBegun)
    }

    @Test func `IPv6 flows are told apart by all of both addresses`() throws {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: .v6, inner: .v6, kind: .ipip)
        try way.add(to: bench)
        let remotes = (0..<40).map { IPAddress(high: 0x2001_0db8_0009_0000 + UInt64($0), low: UInt64($0 % 3)) }
        for remote in remotes {
            _ = try bench.send(
                Frame.encode([.towardsGateway, .ip(way.address, remote), .udp(.init(1, 2)), .payload([0])]))
        }
        #expect(Set(try bench.allFlows().map(\.key.remote)) == Set(remotes))
    }

    // MARK: Ends

    @Test func `a TCP flow ends with the FIN of both sides`() throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        func isEnded() throws -> Bool? { try bench.allFlows().first?.isEnded }
        _ = try bench.send(up(.tcp(.syn(1000, 80, mss: 1200))))
        _ = try bench.receive(down(.tcp(.init(80, 1000))))
        _ = try bench.send(up(.tcp(.init(1000, 80, flags: Layer.TCP.fin | Layer.TCP.ack))))
        #expect(try isEnded() == false)
        _ = try bench.receive(down(.tcp(.init(80, 1000, flags: Layer.TCP.fin | Layer.TCP.ack))))
        #expect(try isEnded() == true)
        // What still comes of it doesn't revive it, a new connection with its ports does.
        _ = try bench.send(up(.tcp(.init(1000, 80))))
        #expect(try isEnded() == true)
        _ = try bench.send(up(.tcp(.syn(1000, 80, mss: 1200))))
        #expect(try isEnded() == false)
        #expect(try bench.allFlows().count == 1)
    }

    @Test func `a TCP flow ends with a reset from either side`() throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        _ = try bench.send(up(.tcp(.init(1000, 80, flags: Layer.TCP.rst))))
        _ = try bench.receive(down(.tcp(.init(80, 1001, flags: Layer.TCP.rst))))
        #expect(try bench.allFlows().map(\.isEnded) == [true, true])
    }

    @Test func `a flow that was taken out is made anew by its next packet`() throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        for _ in 0..<2 {
            _ = try bench.send(up(.udp(.init(4000, 53)), .payload([1])))
            #expect(try bench.allFlows().map(\.packetsUp) == [1])
            #expect(try bench.flows.remove { _ in true } == 1)
            #expect(try bench.allFlows().isEmpty)
        }
    }

    // MARK: What has no ports

    @Test func `an echo is a flow by its identifier, in both directions`() throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        _ = try bench.send(up(.icmp(.init(type: 8, rest: 0x1234_0001))))
        _ = try bench.receive(down(.icmp(.init(type: 0, rest: 0x1234_0001))))
        let flow = try #require(try bench.allFlows().first)
        #expect(flow.key == key(0x1234, 0, 1))
        #expect(flow.packetsUp == 1 && flow.packetsDown == 1)
    }

    @Test func `ICMP errors are no flows`() throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        let quoted = Frame.encode([.ip(way.address, way.correspondent), .udp(.init(1, 2)), .payload([0])])
        _ = try bench.receive(down(.icmp(.init(type: 3, code: 1)), .payload(quoted)))
        _ = try bench.send(up(.icmp(.init(type: 3, code: 3)), .payload(quoted)))
        #expect(try bench.allFlows().isEmpty)
    }

    @Test func `the first fragment teaches the flow, later ones travel without being read`() throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        var header = Layer.IPv4(way.address, way.correspondent)
        header.dontFragment = false
        header.moreFragments = true
        header.protocolNumber = 17
        let data = [UInt8](repeating: 1, count: 64)
        _ = try bench.send(Frame.encode([.towardsGateway, .ipv4(header), .udp(.init(4000, 53)), .payload(data)]))
        header.moreFragments = false
        header.fragmentOffset = 9
        let later = Frame.encode([.towardsGateway, .ipv4(header), .payload(data)])
        let result = try bench.send(later)
        #expect(
            result.packet
                == Frame.encode([.towardsGateway] + way.outerLayers(up: true) + [.ipv4(header), .payload(data)]))
        #expect(try bench.allFlows().map(\.key) == [key(4000, 53, 17)])
        #expect(try bench.allFlows().map(\.packetsUp) == [1])
    }

    @Test func `a full table drops no packet and forgets no flow`() throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        let capacity = bench.flows.statistics.capacity
        for number in 0..<UInt32(capacity + 2000) {
            let remote = IPAddress(v4: 0x0a00_0000 + number)
            let packet = Frame.encode([.towardsGateway, .ip(way.address, remote), .udp(.init(1, 2)), .payload([0])])
            guard try bench.send(packet).verdict == .pass else {
                Issue.record("packet \(number) was dropped")
                return
            }
        }
        let count = try bench.allFlows().count
        #expect(count == bench.flows.statistics.entries)
        #expect(count > capacity * 9 / 10 && count <= capacity)
    }
}

import FlowAnchorABI
import Foundation
import KernelTestSupport
import NetworkTypes
import PacketKit
import Synchronization
import Testing

@testable import AnchorDataPlane

/// The way into a mobile node [0048].
@Suite(.kernel) struct MobileNodeIngressTests {
    private let udp: [Layer] = [.udp(.init(53, 4000)), .payload(Array(0..<64))]
    private let simple = TunnelCase(outer: .v4, inner: .v4, kind: .ipip)

    /// Events that were received.
    private final class Told: Sendable {
        let count = Atomic(0)
    }

    private func inner(_ way: TunnelCase, ecn: UInt8 = 0) -> [Layer] {
        [.ip(way.correspondent, way.address, ecn: ecn)] + udp
    }

    private func tunnelled(_ way: TunnelCase, ecn: UInt8 = 0, sequence: UInt32 = 1) -> [UInt8] {
        Frame.encode([.towardsNode] + way.outerLayers(up: false, sequence: sequence) + inner(way, ecn: ecn))
    }

    @Test(arguments: TunnelCase.all)
    func `a packet from the anchor comes out of its tunnel`(_ way: TunnelCase) throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        let result = try bench.receive(tunnelled(way))
        #expect(result.verdict == .pass)
        #expect(result.packet == Frame.encode([.towardsNode] + inner(way)))
        #expect(try bench.count("delivered") == 1)
    }

    @Test(arguments: AddressFamily.allCases)
    func `what is not tunnelled comes in as it is`(_ family: AddressFamily) throws {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: family, inner: family, kind: .ipip)
        try way.add(to: bench)
        for address in [way.careOf, way.address, way.anchor] {
            let packet = Frame.encode([.towardsNode, .ip(way.correspondent, address)] + udp)
            let result = try bench.receive(packet)
            #expect(result.verdict == .pass)
            #expect(result.packet == packet)
        }
    }

    @Test(arguments: TunnelCase.all)
    func `the anchor may send through a tunnel before the node's own packets go through it`(_ way: TunnelCase) throws {
        let bench = try MobileNodeBench()
        try bench.addCurrent(way.careOf)
        try bench.addCurrent(way.address)
        #expect(try bench.receive(tunnelled(way)).verdict == .drop)
        #expect(try bench.count("peer_unknown") == 1)
        try bench.dataPlane.setAdmittedPeer(way.anchor, of: way.address, isAdmitted: true)
        let result = try bench.receive(tunnelled(way))
        if case .gre(_, sequenced: true) = way.kind {
            // Taken before the tunnel is in force, one would be forgotten when it is, and older ones come after it.
            #expect(result.verdict == .drop)
            #expect(try bench.count("tunnel_kind_mismatch") == 1)
        } else {
            #expect(result.verdict == .pass)
            #expect(result.packet == Frame.encode([.towardsNode] + inner(way)))
        }
    }

    @Test func `from another endpoint of the anchor, kind and key are no less those agreed`() throws {
        let bench = try MobileNodeBench()
        let agreed = TunnelCase(outer: .v4, inner: .v4, kind: .gre(key: 7, sequenced: false))
        try agreed.add(to: bench)
        var other = agreed
        other.outer = .v6
        try bench.addCurrent(other.careOf)
        try bench.dataPlane.setAdmittedPeer(other.anchor, of: agreed.address, isAdmitted: true)
        func verdict(_ kind: TunnelKind) throws -> MobileNodeBench.Verdict {
            other.kind = kind
            return try bench.receive(tunnelled(other)).verdict
        }
        #expect(try verdict(.gre(key: 7, sequenced: false)) == .pass)
        #expect(try verdict(.ipip) == .drop)
        #expect(try bench.count("tunnel_kind_mismatch") == 1)
        #expect(try verdict(.gre(key: 8, sequenced: false)) == .drop)
        #expect(try bench.count("tunnel_key_mismatch") == 1)
    }

    @Test func `a tunnel of the node's user inside goes on as it is`() throws {
        let bench = try MobileNodeBench()
        try simple.add(to: bench)
        let layers: [Layer] = [
            .ip(simple.correspondent, simple.address), .ip(IPAddress("10.9.0.1")!, IPAddress("10.9.0.2")!),
        ]
        let frame = Frame.encode([.towardsNode] + simple.outerLayers(up: false) + layers + udp)
        let result = try bench.receive(frame)
        #expect(result.verdict == .pass)
        #expect(result.packet == Frame.encode([.towardsNode] + layers + udp))
        #expect(try bench.count("delivered") == 1)
        #expect(try bench.allFlows().count == 1)
    }

    /// The care-of address that the anchor sends to has moved itself: its own anchor sends it on.
    @Test(arguments: TunnelCase.all)
    func `what was sent to a care-of address that has just moved comes out of both tunnels`(_ way: TunnelCase) throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        let current = IPAddress("198.51.100.130")!
        let router = IPAddress("192.0.2.3")!
        try bench.addCurrent(current)
        try bench.addTunnelled(way.careOf, anchor: router, from: current)
        let both = Frame.encode(
            [.towardsNode, .ip(router, current)] + way.outerLayers(up: false, sequence: 1) + inner(way))
        let once = try bench.receive(both)
        #expect(once.verdict == .redirect, "comes in once more")
        let result = try bench.receive(once.packet)
        #expect(result.verdict == .pass)
        #expect(result.packet == Frame.encode([.towardsNode] + inner(way)))
        #expect(try bench.count("delivered") == 1)
        #expect(try bench.allFlows().count == 1)
    }

    // MARK: What must not come out of a tunnel

    @Test(arguments: TunnelCase.all)
    func `a packet from anyone but the anchor is dropped`(_ way: TunnelCase) throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        // Another address's anchor is nobody to this one.
        var other = way
        other.inner = way.inner == .v4 ? .v6 : .v4
        try bench.addTunnelled(
            other.address, anchor: IPAddress(way.outer == .v4 ? "192.0.2.2" : "2001:db8:1::2")!, from: way.careOf)
        for source in way.outer == .v4 ? ["192.0.2.2", "203.0.113.66"] : ["2001:db8:1::2", "2001:db8:66::1"] {
            var layers = way.outerLayers(up: false, sequence: 1)
            layers[0] = .ip(IPAddress(source)!, way.careOf)
            #expect(try bench.receive(Frame.encode([.towardsNode] + layers + inner(way))).verdict == .drop)
        }
        #expect(try bench.count("peer_unknown") == 2)
        #expect(try bench.allFlows().isEmpty)
    }

    @Test func `the tunnel has to be of the agreed kind, with the agreed key`() throws {
        let bench = try MobileNodeBench()
        let agreed = TunnelCase(outer: .v4, inner: .v4, kind: .gre(key: 7, sequenced: false))
        try agreed.add(to: bench)
        func verdict(_ kind: TunnelKind) throws -> MobileNodeBench.Verdict {
            var way = agreed
            way.kind = kind
            return try bench.receive(tunnelled(way)).verdict
        }
        #expect(try verdict(.gre(key: 7, sequenced: false)) == .pass)
        #expect(try verdict(.ipip) == .drop)
        #expect(try verdict(.gre(key: 7, sequenced: true)) == .drop)
        #expect(try bench.count("tunnel_kind_mismatch") == 2)
        #expect(try verdict(.gre(key: 8, sequenced: false)) == .drop)
        #expect(try bench.count("tunnel_key_mismatch") == 1)
        try simple.add(to: bench)
        #expect(try verdict(.gre(key: 7, sequenced: false)) == .drop)
        #expect(try bench.count("tunnel_kind_mismatch") == 3)
    }

    @Test func `an address that is current takes nothing out of tunnels`() throws {
        let bench = try MobileNodeBench()
        try bench.addCurrent(simple.careOf)
        try bench.addCurrent(simple.address)
        #expect(try bench.receive(tunnelled(simple)).verdict == .drop)
        #expect(try bench.count("peer_unknown") == 1)
    }

    @Test func `tunnels that are not the node's own are left to the kernel`() throws {
        let bench = try MobileNodeBench()
        try simple.add(to: bench)
        let packet = Frame.encode(
            [.towardsNode] + simple.outerLayers(up: false) + [.ip(simple.correspondent, IPAddress("10.0.0.9")!)] + udp)
        let result = try bench.receive(packet)
        #expect(result.verdict == .pass)
        #expect(result.packet == packet)
    }

    @Test func `fragments of tunnelled packets and broken ones are dropped if they are an anchor's`() throws {
        let bench = try MobileNodeBench()
        try simple.add(to: bench)
        func verdict(_ source: IPAddress, _ change: (inout Layer.IPv4) -> Void, cut: Int = 0) throws
            -> MobileNodeBench.Verdict
        {
            var outer = Layer.IPv4(source, simple.careOf)
            change(&outer)
            let packet = Frame.encode([.towardsNode, .ipv4(outer)] + inner(simple))
            return try bench.receive(Array(packet.dropLast(cut))).verdict
        }
        #expect(try verdict(simple.anchor) { $0.moreFragments = true } == .drop)
        #expect(try verdict(simple.anchor) { $0.fragmentOffset = 64 } == .drop)
        #expect(try bench.count("outer_fragment") == 2)
        #expect(try verdict(simple.anchor) { $0.protocolNumber = 41 } == .drop)
        #expect(try verdict(simple.anchor) { $0.totalLength = 60 } == .drop)
        #expect(try bench.count("malformed") == 2)
        #expect(try verdict(simple.correspondent) { $0.moreFragments = true } == .pass)
    }

    // MARK: Congestion, order, copies

    @Test(arguments: AddressFamily.allCases, AddressFamily.allCases)
    func `congestion marks come out of the tunnel as RFC 6040 has it`(_ outer: AddressFamily, _ inside: AddressFamily)
        throws
    {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: outer, inner: inside, kind: .ipip)
        try way.add(to: bench)
        // Rows: inner field; columns: outer field; nil: dropped.
        let table: [[UInt8?]] = [[0, 0, 0, nil], [1, 1, 1, 3], [2, 1, 2, 3], [3, 3, 3, 3]]
        for (inner, row) in table.enumerated() {
            for (outer, expected) in row.enumerated() {
                let packet = Frame.encode(
                    [.towardsNode] + way.outerLayers(up: false, ecn: UInt8(outer)) + self.inner(way, ecn: UInt8(inner)))
                let result = try bench.receive(packet)
                guard let expected else {
                    #expect(result.verdict == .drop)
                    continue
                }
                #expect(result.packet == Frame.encode([.towardsNode] + self.inner(way, ecn: expected)))
            }
        }
        #expect(try bench.count("ecn_invalid") == 1)
    }

    @Test func `an older packet never comes after a newer one where the tunnel is sequenced`() throws {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: .v4, inner: .v4, kind: .gre(key: 1, sequenced: true))
        try way.add(to: bench)
        // Numbers wrap (RFC 2890, section 2.2).
        let sent: [UInt32] = [5, 6, 9, 7, 9, 10, 0x8000_0001, 0x8000_0000, 0xffff_fff0, 3, 0xffff_ffff, 4]
        let delivered = try sent.filter { try bench.receive(tunnelled(way, sequence: $0)).verdict == .pass }
        #expect(delivered == [5, 6, 9, 10, 0x8000_0001, 0xffff_fff0, 3, 4])
        #expect(try bench.count("sequence_old") == 4)
    }

    @Test(arguments: [true, false])
    func `of copies on both ways the first one is taken, whichever it is`(_ plainFirst: Bool) throws {
        for family in AddressFamily.allCases {
            let bench = try MobileNodeBench()
            let way = TunnelCase(outer: .v4, inner: family, kind: .ipip)
            try way.add(to: bench, isBicast: true)
            let plain = Frame.encode([.towardsNode] + inner(way))
            let copies = plainFirst ? [plain, tunnelled(way)] : [tunnelled(way), plain]
            // The same packet sent again is not a copy: it comes twice, too.
            let verdicts = try (copies + copies).map { try bench.receive($0).verdict }
            #expect(verdicts == [.pass, .drop, .pass, .drop])
            #expect(try bench.count("duplicate") == 2)
            #expect(try bench.allFlows().map(\.packetsDown) == [2])
        }
    }

    @Test func `packets that differ only inside are not copies of each other`() throws {
        let bench = try MobileNodeBench()
        try simple.add(to: bench, isBicast: true)
        for number in UInt8(0)..<32 {
            let layers: [Layer] = [
                .ip(simple.correspondent, simple.address), .udp(.init(53, 4000)), .payload([number, 1, 2, 3]),
            ]
            let copies = [
                Frame.encode([.towardsNode] + layers),
                Frame.encode([.towardsNode] + simple.outerLayers(up: false) + layers),
            ]
            #expect(try bench.receive(copies[0]).verdict == .pass)
            #expect(try bench.receive(copies[1]).verdict == .drop)
        }
    }

    @Test func `an ICMP error about a tunnelled packet is told to the daemon and goes on to the kernel`() throws {
        let bench = try MobileNodeBench()
        try simple.add(to: bench)
        let quoted = Frame.encode(simple.outerLayers(up: true) + [.ip(simple.address, simple.correspondent)] + udp)
        let error = Frame.encode([
            .towardsNode, .ip(IPAddress("198.51.100.7")!, simple.careOf),
            .icmp(.init(type: 3, code: 4, rest: 1400)), .payload(Array(quoted.prefix(64))),
        ])
        let result = try bench.receive(error)
        #expect(result.verdict == .pass)
        #expect(result.packet == error)
        #expect(try bench.count("to_kernel_icmp") == 1)
    }

    @Test func `the daemon is told of no more errors than the limit has it, and all of them go on to the kernel`()
        throws
    {
        let bench = try MobileNodeBench()
        try simple.add(to: bench)
        let quoted = Frame.encode(simple.outerLayers(up: true) + [.ip(simple.address, simple.correspondent)] + udp)
        let error = Frame.encode([
            .towardsNode, .ip(IPAddress("198.51.100.7")!, simple.careOf),
            .icmp(.init(type: 3, code: 4, rest: 1400)), .payload(Array(quoted.prefix(64))),
        ])
        let told = Told()
        let events = try bench.dataPlane.events { _ in told.count.add(1, ordering: .relaxed) }
        let errors = 12 * Int(FA_LIMIT_RATE)
        let elapsed = try ContinuousClock().measure {
            for _ in 0..<errors {
                #expect(try bench.receive(error).verdict == .pass)
                try events.consume()
            }
        }
        let reports = told.count.load(ordering: .relaxed)
        // The limit is each processor's.
        let limit = Int(FA_LIMIT_RATE) * ProcessInfo.processInfo.activeProcessorCount
        #expect(reports >= Int(FA_LIMIT_RATE))
        #expect(reports <= limit * (Int(elapsed / bench.dataPlane.clock.tick) + 2))
        #expect(try bench.count("to_kernel_icmp") == UInt64(errors))
    }

    @Test(arguments: TunnelCase.all)
    func `the segment size in an answer to a SYN is lowered`(_ way: TunnelCase) throws {
        let bench = try MobileNodeBench()
        try way.add(to: bench)
        func answer(_ mss: UInt16) -> [Layer] {
            var tcp = Layer.TCP.syn(80, 1000, mss: mss)
            tcp.flags |= Layer.TCP.ack
            return [.ip(way.correspondent, way.address), .tcp(tcp)]
        }
        let result = try bench.receive(
            Frame.encode([.towardsNode] + way.outerLayers(up: false, sequence: 1) + answer(1460)))
        #expect(result.packet == Frame.encode([.towardsNode] + answer(way.inner == .v4 ? 1400 : 1380)))
    }
}

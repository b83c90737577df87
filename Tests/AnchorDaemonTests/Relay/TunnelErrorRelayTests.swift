import AnchorCore
import NetworkTypes
import PacketKit
import Testing

@testable import AnchorDaemon

@Suite struct TunnelErrorRelayTests {
    static let router = IPAddress("198.51.100.1")!
    static let router6 = IPAddress("2001:db8:ff::1")!
    static let endpoints = [IPAddress("192.0.2.1")!, IPAddress("2001:db8:1::1")!]
    static let peers = [IPAddress("203.0.113.9")!, IPAddress("2001:db8:9::9")!]
    static let senders = [IPAddress("10.9.0.1")!, IPAddress("2001:db8:c::1")!]
    static let hosts = [IPAddress("10.1.0.5")!, IPAddress("2001:db8:5::5")!]

    enum Kind: CaseIterable { case ipip, gre }

    func ip(_ source: IPAddress, _ destination: IPAddress) -> Layer {
        source.isV4 ? .ipv4(.init(source, destination)) : .ipv6(.init(source, destination))
    }

    /// The packet that the router encapsulated, outer header first.
    func tunnelled(outer: Int, inner: Int, kind: Kind = .ipip, payload: Int = 1400) -> [UInt8] {
        let gre: [Layer] = kind == .gre ? [.gre(.init(key: 7, sequence: 1))] : []
        return Frame.encode(
            [ip(Self.endpoints[outer], Self.peers[outer])] + gre
                + [
                    ip(Self.senders[inner], Self.hosts[inner]), .udp(.init(1, 2)),
                    .payload(.init(repeating: 5, count: payload)),
                ])
    }

    func error(outer: Int, _ icmp: Layer.ICMP, quoting quote: [UInt8]) -> [UInt8] {
        Frame.encode([
            ip(outer == 0 ? Self.router : Self.router6, Self.endpoints[outer]), .icmp(icmp), .payload(quote),
        ])
    }

    func tooBig(outer: Int, mtu: UInt32) -> Layer.ICMP {
        outer == 0 ? .init(type: 3, code: 4, rest: mtu) : .init(type: 2, rest: mtu)
    }

    func relay(_ packet: [UInt8], relay: inout TunnelErrorRelay, at now: MonotonicInstant = .init(nanoseconds: 0))
        -> TunnelErrorRelay.Outcome?
    {
        relay.handle(
            packet[...], at: now, source: { Self.endpoints[$0 == .v4 ? 0 : 1] },
            isOurs: { endpoint, peer, host in
                Self.endpoints.contains(endpoint) && Self.peers.contains(peer) && Self.hosts.contains(host)
            })
    }

    func relay(_ packet: [UInt8]) -> TunnelErrorRelay.Outcome? {
        var relay = TunnelErrorRelay()
        return self.relay(packet, relay: &relay)
    }

    /// Whether the message's checksum is right for its way.
    func isSound(_ outcome: TunnelErrorRelay.Outcome) -> Bool {
        var sum = InternetChecksum()
        if !outcome.destination.isV4 {
            sum.add(Self.endpoints[1].bytes + outcome.destination.bytes)
            sum.add(UInt32(outcome.message.count))
            sum.add(UInt16(58))
        }
        sum.add(outcome.message)
        return sum.folded == 0xffff
    }

    @Test(arguments: [(0, 0), (0, 1), (1, 0), (1, 1)], Kind.allCases)
    func `too big becomes the inner sender's too big, less what the tunnel adds`(families: (Int, Int), kind: Kind)
        throws
    {
        let (outer, inner) = families
        let overhead = (outer == 0 ? 20 : 40) + (kind == .gre ? 12 : 0)
        let quote = Array(tunnelled(outer: outer, inner: inner, kind: kind).prefix(500))
        let outcome = try #require(relay(error(outer: outer, tooBig(outer: outer, mtu: 1400), quoting: quote)))
        #expect(outcome.destination == Self.senders[inner])
        #expect(outcome.learned?.peer == Self.peers[outer] && outcome.learned?.mtu == 1400)
        #expect(outcome.message[..<2] == (inner == 0 ? [3, 4] : [2, 0]))
        let mtu = outcome.message[4..<8].reduce(0) { $0 << 8 | Int($1) }
        #expect(mtu == 1400 - overhead)
        #expect(Array(outcome.message[8...]) == Array(quote[overhead...]))
        #expect(isSound(outcome))
    }

    @Test func `a path MTU below the minimum is not believed`() throws {
        let v4 = try #require(
            relay(error(outer: 0, tooBig(outer: 0, mtu: 100), quoting: tunnelled(outer: 0, inner: 0))))
        #expect(v4.message[4..<8] == [0, 0, 2, 64])
        let v6 = try #require(relay(error(outer: 1, tooBig(outer: 1, mtu: 0), quoting: tunnelled(outer: 1, inner: 1))))
        #expect(v6.message[4..<8] == [0, 0, 5, 0])
    }

    @Test func `a packet that fits what is said to fit is nobody's error`() {
        let quote = tunnelled(outer: 0, inner: 0, payload: 100)
        #expect(relay(error(outer: 0, tooBig(outer: 0, mtu: 1400), quoting: quote)) == nil)
    }

    @Test(arguments: [Layer.ICMP(type: 3, code: 0), .init(type: 3, code: 1), .init(type: 3, code: 13), .init(type: 11)])
    func `an unreachable peer is an unreachable host`(icmp: Layer.ICMP) throws {
        let outcome = try #require(relay(error(outer: 0, icmp, quoting: tunnelled(outer: 0, inner: 1))))
        #expect(outcome.message[..<2] == [1, 3] && outcome.learned == nil && isSound(outcome))
    }

    @Test func `errors that are the encapsulator's own are kept`() {
        let quote = tunnelled(outer: 0, inner: 0)
        for icmp in [Layer.ICMP(type: 3, code: 5), .init(type: 12), .init(type: 4), .init(type: 8), .init(type: 0)] {
            #expect(relay(error(outer: 0, icmp, quoting: quote)) == nil)
        }
    }

    @Test func `an error about a packet that was never sent is not relayed`() {
        let foreign = Frame.encode([
            ip(Self.endpoints[0], IPAddress("203.0.113.77")!), ip(Self.senders[0], Self.hosts[0]), .udp(.init(1, 2)),
            .payload(.init(repeating: 0, count: 1400)),
        ])
        #expect(relay(error(outer: 0, tooBig(outer: 0, mtu: 1400), quoting: foreign)) == nil)
        let misaddressed = Frame.encode([
            ip(Self.router, Self.endpoints[0]), .icmp(tooBig(outer: 0, mtu: 1400)),
            .payload(
                Frame.encode([ip(Self.router, Self.peers[0]), ip(Self.senders[0], Self.hosts[0]), .udp(.init(1, 2))])),
        ])
        #expect(relay(misaddressed) == nil)
    }

    @Test func `no error is sent about an error or to many`() {
        let about = Frame.encode([
            ip(Self.endpoints[0], Self.peers[0]), ip(Self.senders[0], Self.hosts[0]), .icmp(.init(type: 3)),
            .payload(.init(repeating: 0, count: 1400)),
        ])
        #expect(relay(error(outer: 0, tooBig(outer: 0, mtu: 1400), quoting: about)) == nil)
        let multicast = Frame.encode([
            ip(Self.endpoints[0], Self.peers[0]), ip(IPAddress("224.0.0.9")!, Self.hosts[0]), .udp(.init(1, 2)),
            .payload(.init(repeating: 0, count: 1400)),
        ])
        #expect(relay(error(outer: 0, tooBig(outer: 0, mtu: 1400), quoting: multicast)) == nil)
    }

    @Test func `an error cut at any byte is relayed whole or not at all`() {
        let whole = error(outer: 0, tooBig(outer: 0, mtu: 1400), quoting: tunnelled(outer: 0, inner: 0))
        for length in 0..<100 {
            let outcome = relay(Array(whole[..<length]))
            // 20 + 8 of the error, 20 outer, 20 inner.
            #expect((outcome != nil) == (length >= 68), "\(length) bytes")
        }
    }

    @Test func `the packet is found behind tags`() {
        let packet = error(outer: 1, tooBig(outer: 1, mtu: 1400), quoting: tunnelled(outer: 1, inner: 0))
        for tags in [[], [5], [5, 6]] as [[UInt16]] {
            let ethernet = Layer.Ethernet(destination: .zero, source: .zero, tags: tags, etherType: 0x86dd)
            let frame = Frame.encode([.ethernet(ethernet), .payload(packet)])
            #expect(TunnelErrorRelay.packet(in: frame[...]).map(Array.init) == packet)
        }
        #expect(TunnelErrorRelay.packet(in: [1, 2, 3]) == nil)
        #expect(TunnelErrorRelay.packet(in: [UInt8](repeating: 8, count: 60)[...]) == nil)
    }

    @Test func `a flood is cut to the rate, and the next second has its share again`() {
        var relay = TunnelErrorRelay(rate: 10)
        let packet = error(outer: 0, tooBig(outer: 0, mtu: 1400), quoting: tunnelled(outer: 0, inner: 0))
        let first = (0..<1000).count { _ in self.relay(packet, relay: &relay) != nil }
        #expect(first == 10)
        let later = MonotonicInstant(nanoseconds: 1_000_000_000)
        #expect((0..<1000).count { _ in self.relay(packet, relay: &relay, at: later) != nil } == 10)
    }
}

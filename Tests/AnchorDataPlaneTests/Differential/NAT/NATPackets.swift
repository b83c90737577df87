import NetworkTypes
import PacketKit

@testable import AnchorDataPlane

/// Packets from a seed that meet in flows: those of inside hosts and what comes back, rightly or not. It is told which
/// flows there are, since nobody knows in advance what ports they get.
struct NATPackets {
    var random: RandomLayers
    private var general: DifferentialPackets
    /// Flows that came to be, latest last.
    private(set) var known: [Known] = []
    /// Flows that began at other routers, latest last.
    var away: [ModelNAT.Tuple] = []
    /// Those whose hosts speak with each other by their outside addresses.
    private var pairs: [(Known, Known)] = []
    /// To be sent before long, not always in order.
    private var waiting: [(port: UInt32, frame: [UInt8])] = []
    private var identification: UInt16 = 0
    /// Makes each content another one: no packet is taken for a copy of one long ago.
    private var serial: UInt32 = 0

    struct Known {
        var tuple: ModelNAT.Tuple
        var outside: ModelNAT.Endpoint
    }

    static let insidePorts: [UInt16] = [1000, 1001, 1002, 1003, 5353, 40000]
    static let services: [UInt16] = [53, 80, 7000]

    init(seed: UInt64) {
        random = RandomLayers(seed: seed)
        general = DifferentialPackets(seed: seed &+ 1)
    }

    /// Another world begins, without any flow.
    mutating func forget() { (known, away, pairs, waiting) = ([], [], [], []) }

    mutating func learn(_ flows: [Known]) { known += flows }

    /// The next one in the same traffic.
    mutating func next() -> (port: UInt32, frame: [UInt8]) {
        if !waiting.isEmpty && !random.chance(3) {
            return waiting.remove(at: random.chance(3) ? Int(random.number(below: UInt32(waiting.count))) : 0)
        }
        var packet = make()
        if random.chance(12) { random.mutate(&packet.frame) }
        return packet
    }

    private mutating func make() -> (port: UInt32, frame: [UInt8]) {
        switch random.number(below: 26) {
        case 0...3: return up(anyTuple())
        case 4...6: return known.isEmpty ? up(anyTuple()) : up(flow().tuple)
        case 7: return known.isEmpty ? general.next() : summingToZero(flow())
        case 8...11: return known.isEmpty ? up(anyTuple()) : down(answered(flow()))
        case 12: return known.isEmpty ? general.next() : down(misdirected(flow()))
        case 13: return known.isEmpty ? general.next() : errorDown(flow())
        case 14: return known.isEmpty ? general.next() : errorUp(flow())
        case 15, 16: return known.count < 2 ? up(anyTuple()) : hairpin()
        case 17: return known.isEmpty ? up(anyTuple()) : strange(flow())
        case 18, 19: return general.next()
        default: return roaming()
        }
    }

    /// Of the latest ones, so that they are seen more than once.
    mutating func flow() -> Known { known[known.count - 1 - Int(random.number(below: UInt32(min(known.count, 40))))] }

    mutating func anyTuple() -> ModelNAT.Tuple {
        let transport = random.pick(ModelNAT.Transport.allCases)
        let host = DifferentialWorld.host(random.pick(DifferentialWorld.Kind.allCases), .v4)
        let port = random.chance(6) ? UInt16(random.number(below: 65536)) : random.pick(Self.insidePorts)
        let far = random.chance(3) ? random.pick(NATWorld.correspondents) : NATWorld.correspondents[0]
        return ModelNAT.Tuple(
            transport: transport, local: .init(address: host, port: port),
            remote: .init(address: far, port: transport == .icmp ? 0 : random.pick(Self.services)))
    }

    mutating func content(_ size: Int) -> [UInt8] {
        serial += 1
        return [0x5a, 0x5a] + withUnsafeBytes(of: serial) { Array($0) } + [UInt8](repeating: 0x55, count: size)
    }

    // MARK: From hosts and from the core

    mutating func up(_ tuple: ModelNAT.Tuple) -> (port: UInt32, frame: [UInt8]) {
        fromHost(
            tuple.local.address,
            inParts: packet(tuple.transport, from: tuple.local, to: tuple.remote, isAnswer: false))
    }

    /// As it is, or in fragments.
    private mutating func fromHost(_ host: IPAddress, inParts layers: [Layer]) -> (port: UInt32, frame: [UInt8]) {
        guard random.chance(8) else { return fromHost(host, layers) }
        return fragmented(layers) { $0.fromHost(host, $1) }
    }

    /// On the link, through the tunnel or out of the server where the host's packets come from, or from elsewhere.
    mutating func fromHost(_ host: IPAddress, _ inner: [Layer]) -> (port: UInt32, frame: [UInt8]) {
        let kind = DifferentialWorld.Kind.allCases.first { DifferentialWorld.host($0, .v4) == host } ?? .attached
        var port = DifferentialWorld.access
        switch kind {
        case .overV4, .overV6, .keyed, .sequenced, .keyedOverV6, .tunnelledWithServers, .narrow, .unresolved, .former:
            port = DifferentialWorld.core
        case .both, .bicast, .preferringTunnel: if random.chance(2) { port = DifferentialWorld.core }
        case .attachedWithServers: if random.chance(2) { port = DifferentialWorld.outside }
        case .attached, .attachedOnVLAN, .refused, .bypassingServers, .refusingServers: break
        }
        if kind == .tunnelledWithServers && random.chance(2) || random.chance(8) { port = DifferentialWorld.outside }
        if random.chance(20) { port = DifferentialWorld.oneLeg }
        let ethernet = general.ethernet(kind, on: port)
        let outer = port == DifferentialWorld.core ? general.outer(kind, on: port) : []
        return (port, finished([.ethernet(ethernet)] + outer, inner))
    }

    private mutating func down(
        _ way: (ModelNAT.Transport, from: ModelNAT.Endpoint, to: ModelNAT.Endpoint)
    ) -> (port: UInt32, frame: [UInt8]) {
        let layers = packet(way.0, from: way.from, to: way.to, isAnswer: true)
        return random.chance(8) ? fragmented(layers) { $0.fromCore($1) } : fromCore(layers)
    }

    mutating func fromCore(_ layers: [Layer]) -> (port: UInt32, frame: [UInt8]) { fromCore([], layers) }

    mutating func fromCore(_ outer: [Layer], _ layers: [Layer]) -> (port: UInt32, frame: [UInt8]) {
        var ethernet = Layer.Ethernet(
            destination: DifferentialWorld.mac(DifferentialWorld.core), source: DifferentialWorld.gateway)
        if random.chance(20) { ethernet.tags = [5] }
        return (DifferentialWorld.core, finished([.ethernet(ethernet)] + outer, layers))
    }

    private func answered(_ flow: Known) -> (ModelNAT.Transport, from: ModelNAT.Endpoint, to: ModelNAT.Endpoint) {
        (flow.tuple.transport, flow.tuple.remote, flow.outside)
    }

    /// From another port, from another address, or to another port than the flow's.
    private mutating func misdirected(
        _ flow: Known
    ) -> (ModelNAT.Transport, from: ModelNAT.Endpoint, to: ModelNAT.Endpoint) {
        var way = answered(flow)
        switch random.number(below: 4) {
        case 0, 1: way.from.port = random.pick([4000, 4001, 4002])
        case 2: way.from.address = random.pick(NATWorld.correspondents)
        default: way.to.port = random.chance(2) ? way.to.port ^ 1 : UInt16(random.number(below: 65536))
        }
        return way
    }

    /// To another inside host by its outside address; hosts of a pair speak first and answer.
    private mutating func hairpin() -> (port: UInt32, frame: [UInt8]) {
        if pairs.isEmpty || random.chance(20) {
            let one = flow()
            let others = known.suffix(60).filter { $0.tuple.transport == one.tuple.transport }
            pairs = Array(pairs.suffix(2)) + [(one, random.pick(others))]
        }
        var (a, b) = random.pick(pairs)
        if random.chance(2) { (a, b) = (b, a) }
        if random.chance(6) {
            // One of them tells of what it got from the other.
            let quoted = quote(packet(a.tuple.transport, from: a.outside, to: b.tuple.local, isAnswer: true))
            return fromHost(b.tuple.local.address, error(from: b.tuple.local.address, to: a.outside.address, quoted))
        }
        let way = (a.tuple.transport, a.tuple.local, b.outside)
        return fromHost(
            a.tuple.local.address,
            inParts: packet(way.0, from: way.1, to: way.2, isAnswer: random.chance(4)))
    }

    /// What no NAT can translate, to an outside address or from a host.
    private mutating func strange(_ flow: Known) -> (port: UInt32, frame: [UInt8]) {
        let number: UInt8 = random.pick([4, 41, 47, 50, 132])
        let far = random.pick(NATWorld.correspondents)
        let content = Layer.payload(.init(repeating: 0x45, count: 40))
        if random.chance(2) {
            return fromCore([random.numbered(random.ip(far, flow.outside.address), number), content])
        }
        let host = flow.tuple.local.address
        return fromHost(host, [random.numbered(random.ip(host, far), number), content])
    }

    // MARK: Frames

    /// Encodes it; now and then in fragments, without a UDP checksum, or with a wrong one.
    private mutating func finished(_ outer: [Layer], _ inner: [Layer]) -> [UInt8] {
        let layers = outer + inner
        var frame = Frame.encode(layers)
        let start = frame.count - Frame.encode(inner).count
        guard case .ipv4(let header) = inner[0], frame.count > start + 20 + header.options.count + 20 else {
            return frame
        }
        let transport = start + 20 + header.options.count
        switch inner[1] {
        case .udp where random.chance(5): frame.replaceSubrange(transport + 6..<transport + 8, with: [0, 0])
        case .udp where random.chance(20), .tcp where random.chance(30): frame[transport + 7] ^= 0x40
        case .icmp where random.chance(20): frame[transport + 3] ^= 1
        default: break
        }
        return frame
    }

    /// A datagram in two fragments, to be sent one after the other or the other way round; one may get lost.
    /// - Returns: the one to be sent now.
    mutating func fragmented(_ layers: [Layer], _ wrap: (inout Self, [Layer]) -> (port: UInt32, frame: [UInt8]))
        -> (port: UInt32, frame: [UInt8])
    {
        guard case .ipv4(var header) = layers[0] else { return wrap(&self, layers) }
        identification &+= 1
        header.identification = identification
        (header.moreFragments, header.fragmentOffset, header.dontFragment) = (true, 0, false)
        let first = wrap(&self, [.ipv4(header)] + layers.dropFirst())
        let number = UInt8(Frame.encode(layers)[9])
        (header.moreFragments, header.fragmentOffset) = (random.chance(2), 40)
        header.protocolNumber = number
        let later = wrap(&self, [.ipv4(header), .payload(content(58))])
        let ordered = random.chance(4) ? [later, first] : [first, later]
        if !random.chance(6) { waiting.append(ordered[1]) }
        return ordered[0]
    }
}

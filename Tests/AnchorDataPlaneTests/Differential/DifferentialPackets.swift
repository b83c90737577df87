import NetworkTypes
import PacketKit

/// Packets from a seed: most of them nearly right, since what is wholly wrong is dropped at the first look.
struct DifferentialPackets {
    private var random: Splitmix
    /// Makes packets differ that are to be told from copies.
    private var serial: UInt32 = 0
    /// What was sent lately, for copies by another way.
    private var recent: [[Layer]] = []

    init(seed: UInt64) { random = Splitmix(seed: seed) }

    mutating func next() -> (port: UInt32, frame: [UInt8]) {
        let port = DifferentialWorld.ports.randomElement(using: &random)!
        var frame = Frame.encode(layers(on: port))
        if chance(4) { mutate(&frame) }
        return (port, frame)
    }

    private mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &random) == 0 }
    private mutating func pick<C: Collection>(_ from: C) -> C.Element { from.randomElement(using: &random)! }

    private mutating func layers(on port: UInt32) -> [Layer] {
        let kind = pick(DifferentialWorld.Kind.allCases)
        let family: AddressFamily = chance(2) ? .v4 : .v6
        let host = DifferentialWorld.host(kind, family)
        let far =
            family == .v4 ? DifferentialWorld.correspondents[chance(8) ? 2 : 0] : DifferentialWorld.correspondents[1]
        let isTunnelled = chance(2) && port != DifferentialWorld.inside
        let isUp = port == DifferentialWorld.access || port == DifferentialWorld.outside || isTunnelled || chance(4)
        var inner = isUp ? packet(from: host, to: far) : packet(from: far, to: host)
        if chance(12) { inner = packet(from: anyAddress(family), to: anyAddress(family)) }
        if chance(30) { inner = packet(from: host, to: DifferentialWorld.endpoints[family == .v4 ? 0 : 1]) }
        // A copy of a packet of a host that sends them on both ways.
        if kind == .bicast, chance(2), let copy = recent.last { inner = copy }
        if kind == .bicast { recent = [inner] }
        let ethernet = self.ethernet(kind, on: port)
        guard isTunnelled else { return [.ethernet(ethernet)] + inner }
        return [.ethernet(ethernet)] + outer(kind, on: port) + inner
    }

    private mutating func ethernet(_ kind: DifferentialWorld.Kind, on port: UInt32) -> Layer.Ethernet {
        var station = DifferentialWorld.station(kind.rawValue)
        if chance(20) { station = DifferentialWorld.station(99) }
        var ethernet = Layer.Ethernet(
            destination: chance(40) ? MACAddress(bits: 0xffff_ffff_ffff) : DifferentialWorld.mac(port), source: station)
        if kind == .attachedOnVLAN || chance(12) { ethernet.tags = [7] }
        if chance(40) { ethernet.tags.append(9) }
        return ethernet
    }

    /// The tunnel's header as the host's entry has it, now and then another.
    private mutating func outer(_ kind: DifferentialWorld.Kind, on port: UInt32) -> [Layer] {
        let isV6 = chance(8) ? chance(2) : kind == .overV6 || kind == .keyedOverV6
        var peer = DifferentialWorld.peers[isV6 ? 1 : 0]
        if !isV6 && (kind == .former ? chance(2) : chance(10)) { peer = DifferentialWorld.peers[2] }
        if chance(20) { peer = IPAddress(isV6 ? "2001:db8:dead::1" : "198.18.0.1")! }
        var endpoint = DifferentialWorld.endpoints[isV6 ? 1 : 0]
        // At another anchor, from a node that is attached here.
        if port == DifferentialWorld.access && chance(2) {
            let own = DifferentialWorld.host(kind, isV6 ? .v6 : .v4)
            (peer, endpoint) = (own, chance(2) ? endpoint : DifferentialWorld.correspondents[isV6 ? 1 : 0])
        }
        if port == DifferentialWorld.core && chance(10) {
            (peer, endpoint) = (peer, DifferentialWorld.host(.attachedWithServers, isV6 ? .v6 : .v4))
        }
        var gre: [Layer] = []
        let isKeyed = kind == .keyed || kind == .keyedOverV6 || kind == .sequenced
        if chance(10) ? chance(2) : isKeyed {
            serial += 1
            let older = chance(6) ? UInt32.random(in: 0..<2000, using: &random) : 0
            var header = Layer.GRE(
                key: chance(12) ? (chance(2) ? nil : 5) : kind == .sequenced ? 78 : 77,
                sequence: chance(12) ? nil : kind == .sequenced ? serial &- older : nil)
            if chance(30) { header.extraFlags = pick([0x8000, 0x0001, 0x4000]) }
            gre = [.gre(header)]
        }
        return [ip(peer, endpoint)] + gre
    }

    private mutating func ip(_ source: IPAddress, _ destination: IPAddress) -> Layer {
        let ttl: UInt8 = chance(30) ? UInt8.random(in: 0...2, using: &random) : 64
        let ecn: UInt8 = chance(3) ? UInt8.random(in: 0...3, using: &random) : 0
        let dscp: UInt8 = chance(6) ? UInt8.random(in: 0...63, using: &random) : 0
        if source.isV4 && destination.isV4 {
            var header = Layer.IPv4(source, destination)
            (header.ttl, header.ecn, header.dscp) = (ttl, ecn, dscp)
            serial += 1
            header.identification = UInt16(truncatingIfNeeded: serial)
            if chance(30) { header.moreFragments = true }
            if chance(30) { header.fragmentOffset = 185 }
            if chance(30) { header.options = pick([[1, 1, 1, 0], [7, 4, 4, 0, 0, 0, 0, 0]]) }
            return .ipv4(header)
        }
        var header = Layer.IPv6(source, destination)
        (header.hopLimit, header.ecn, header.dscp) = (ttl, ecn, dscp)
        if chance(15) {
            header.extensions = (0..<Int.random(in: 1...5, using: &random)).map { _ in
                chance(3)
                    ? .init(
                        44, pick([[0, 0, 0, 1, 0, 0, 0, 9], [0, 0, 5, 0xc8, 0, 0, 0, 9], [0, 0, 0, 0, 0, 0, 0, 9]]))
                    : .init(
                        pick([0, 43, 60]), pick([[0, 0, 1, 4, 0, 0, 0, 0], [0, 1] + .init(repeating: 0, count: 14)]))
            }
        }
        return .ipv6(header)
    }

    private mutating func packet(from source: IPAddress, to destination: IPAddress) -> [Layer] {
        serial += 1
        let content = withUnsafeBytes(of: serial) { Array($0) }
        let size = chance(8) ? Int.random(in: 500...1480, using: &random) : Int.random(in: 4...120, using: &random)
        let payload = Layer.payload(content + .init(repeating: 0x55, count: size - 4))
        let header = ip(source, destination)
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1:
            var tcp = Layer.TCP.syn(1000, 80, mss: pick([536, 1380, 1400, 1401, 1460, 8960]))
            if chance(3) { tcp.options = [1] + tcp.options + pick([[1, 1, 1], [0, 0, 0]]) }
            if chance(6) {
                tcp.options =
                    pick([[4, 2, 8, 0, 0, 0, 0, 0], [2, 4, 0xff], [8, 10] + .init(repeating: 1, count: 10)])
                    + tcp.options
            }
            while tcp.options.count % 4 != 0 { tcp.options.append(0) }
            return [header, .tcp(tcp), payload]
        case 2, 3: return [header, .tcp(.init(1000, 80)), payload]
        case 4:
            return [header, .icmp(.init(type: pick([0, 3, 8, 11, 1, 2, 128, 129, 135, 137]), rest: serial)), payload]
        case 5: return error(to: destination)
        default: return [header, .udp(.init(1000, 53)), payload]
        }
    }

    /// An ICMP error about something that a router encapsulated, or about something else.
    private mutating func error(to destination: IPAddress) -> [Layer] {
        let isV6 = !destination.isV4
        let endpoint = DifferentialWorld.endpoints[isV6 ? 1 : 0]
        let quoted = Frame.encode([
            ip(chance(3) ? destination : endpoint, DifferentialWorld.peers[isV6 ? 1 : 0]),
            ip(DifferentialWorld.correspondents[0], DifferentialWorld.host(.overV4, .v4)), .udp(.init(1, 2)),
        ])
        let icmp =
            isV6
            ? Layer.ICMP(type: pick([1, 2, 3, 128]), rest: 1400) : .init(type: pick([3, 11, 8]), code: 4, rest: 1400)
        let about = chance(6) ? quoted.prefix(Int.random(in: 0..<60, using: &random)) : quoted[...]
        return [ip(DifferentialWorld.correspondents[isV6 ? 1 : 0], endpoint), .icmp(icmp), .payload(Array(about))]
    }

    private mutating func anyAddress(_ family: AddressFamily) -> IPAddress {
        let v4 = [
            "0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.9", "255.255.255.255", "10.1.0.1", "10.1.0.200", "8.8.8.8",
        ]
        let v6 = [
            "::", "::1", "fe80::1", "ff02::1", "2001:db8:5::1", "2001:db8:5::dead", "2001:db8:77::1",
            "::ffff:10.1.0.10",
        ]
        let known = DifferentialWorld.hosts + DifferentialWorld.endpoints + DifferentialWorld.peers
        return pick((family == .v4 ? v4 : v6).map { IPAddress($0)! } + known.filter { $0.family == family })
    }

    private mutating func mutate(_ frame: inout [UInt8]) {
        switch Int.random(in: 0..<4, using: &random) {
        case 0: frame = Array(frame.prefix(Int.random(in: 14...max(14, frame.count), using: &random)))
        case 1: frame += [UInt8](repeating: 0xee, count: Int.random(in: 1...40, using: &random))
        default:
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                let place = Int.random(in: 0..<min(frame.count, 120), using: &random)
                frame[place] =
                    chance(2)
                    ? frame[place] ^ (1 << UInt8.random(in: 0..<8, using: &random))
                    : .random(in: 0...255, using: &random)
            }
        }
    }
}

/// Numbers that a seed repeats.
struct Splitmix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var z = state
        z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
        z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
        return z ^ (z >> 31)
    }
}

import NetworkTypes
import PacketKit

/// Packets from a seed: most of them nearly right, since what is wholly wrong is dropped at the first look.
struct DifferentialPackets {
    private var random: RandomLayers
    /// What was sent lately, for copies by another way.
    private var recent: [[Layer]] = []

    init(seed: UInt64) { random = RandomLayers(seed: seed) }

    mutating func next() -> (port: UInt32, frame: [UInt8]) {
        let port = pick(DifferentialWorld.ports)
        var frame = Frame.encode(layers(on: port))
        if chance(4) { random.mutate(&frame) }
        return (port, frame)
    }

    private mutating func chance(_ oneIn: Int) -> Bool { random.chance(oneIn) }
    private mutating func pick<C: Collection>(_ from: C) -> C.Element { random.pick(from) }
    private mutating func ip(_ source: IPAddress, _ destination: IPAddress) -> Layer { random.ip(source, destination) }

    private mutating func packet(from source: IPAddress, to destination: IPAddress) -> [Layer] {
        chance(8) ? error(to: destination) : random.packet(from: source, to: destination)
    }

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

    mutating func ethernet(_ kind: DifferentialWorld.Kind, on port: UInt32) -> Layer.Ethernet {
        var station = DifferentialWorld.station(kind.rawValue)
        if chance(20) { station = DifferentialWorld.station(99) }
        var ethernet = Layer.Ethernet(
            destination: chance(40) ? MACAddress(bits: 0xffff_ffff_ffff) : DifferentialWorld.mac(port), source: station)
        if kind == .attachedOnVLAN || chance(12) { ethernet.tags = [7] }
        if chance(40) { ethernet.tags.append(9) }
        return ethernet
    }

    /// The tunnel's header as the host's entry has it, now and then another.
    mutating func outer(_ kind: DifferentialWorld.Kind, on port: UInt32) -> [Layer] {
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
            var header = Layer.GRE(
                key: chance(12) ? (chance(2) ? nil : 5) : kind == .sequenced ? 78 : 77,
                sequence: chance(12) ? nil : kind == .sequenced ? random.nextSequence() : nil)
            if chance(30) { header.extraFlags = pick([0x8000, 0x0001, 0x4000]) }
            gre = [.gre(header)]
        }
        return [ip(peer, endpoint)] + gre
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
        let about = chance(6) ? quoted.prefix(Int(random.number(below: 60))) : quoted[...]
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
}

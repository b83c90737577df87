import NetworkTypes
import PacketKit

@testable import AnchorDataPlane

/// Packets of a mobile node from a seed, most of them nearly right.
struct MobilePackets {
    typealias World = MobileWorld

    /// Which program meets it.
    enum Hook: CaseIterable {
        case egress, egressAheadOfSegmenter, segmented, ingress
    }

    struct Packet {
        var hook: Hook
        var frame: [UInt8]
        var aggregate: ModelAggregate?
    }

    private var random: RandomLayers
    /// What was sent lately to an address that copies come to.
    private var recent: [Layer]?
    /// What comes next, whatever that would be otherwise.
    private var queue: [Packet] = []

    init(seed: UInt64) { random = RandomLayers(seed: seed) }

    private mutating func chance(_ oneIn: Int) -> Bool { random.chance(oneIn) }
    private mutating func pick<C: Collection>(_ from: C) -> C.Element { random.pick(from) }
    private mutating func ip(_ source: IPAddress, _ destination: IPAddress) -> Layer { random.ip(source, destination) }

    mutating func next() -> Packet {
        if let packet = queue.popLast() { return packet }
        if chance(3000) { queue = burst() }
        let hook: Hook = chance(2) ? .ingress : chance(2) ? .egress : pick(Hook.allCases)
        let kind = pick(World.Kind.allCases)
        let family: AddressFamily = chance(2) ? .v4 : .v6
        let isTunnelled = hook == .ingress && !chance(3)
        var layers = hook == .ingress ? incoming(kind, family, isTunnelled) : outgoing(kind, family)
        layers.insert(.ethernet(ethernet(hook)), at: 0)
        var packet = Packet(hook: hook, frame: Frame.encode(layers))
        // No test run can say of what kind an aggregate is. So the kernel takes none out of a tunnel, and copies of one
        // must not be sent; what is mutated may be any of that.
        if !isTunnelled && !isCopied(layers) && chance(10) {
            packet.aggregate = ModelAggregate(
                segmentSize: Int(1 + random.number(below: 1600)), segments: Int(random.number(below: 40)))
        } else if chance(4) {
            // A socket buffer has the header of the protocol that it is said to be of.
            random.mutate(&packet.frame, shortest: packet.frame[12] == 0x08 ? 34 : 54)
        }
        return packet
    }

    private mutating func ethernet(_ hook: Hook) -> Layer.Ethernet {
        let own = World.macs[World.uplink]!
        let far = chance(8) ? MACAddress(bits: 0x02_00_00_00_dd_01) : World.gateway
        guard hook == .ingress else { return .init(destination: far, source: chance(8) ? .zero : own) }
        var header = Layer.Ethernet(destination: own, source: far)
        if chance(30) { header.destination = MACAddress(bits: pick([0xffff_ffff_ffff, 0x0100_5e00_0001, 0x02dd])) }
        if chance(40) { header.tags = [7] }
        return header
    }

    /// Whether the node sends it on both its attachments.
    private func isCopied(_ layers: [Layer]) -> Bool {
        for layer in layers {
            switch layer {
            case .ipv4(let header): return World.bicastAddresses.contains(header.source)
            case .ipv6(let header): return World.bicastAddresses.contains(header.source)
            default: continue
            }
        }
        return false
    }

    // MARK: Out

    private mutating func outgoing(_ kind: World.Kind, _ family: AddressFamily) -> [Layer] {
        let source = chance(20) ? anyAddress(family) : World.address(kind, family)
        let destination = chance(12) ? anyAddress(family) : World.correspondents[family == .v4 ? 0 : 1]
        if chance(12) { return discovery(from: source, to: destination) }
        return random.packet(from: source, to: destination)
    }

    /// Neighbour discovery, and what looks like it in fragments.
    private mutating func discovery(from source: IPAddress, to destination: IPAddress) -> [Layer] {
        let header = ip(source, destination)
        return [
            header, .icmp(.init(type: UInt8(130 + random.number(below: 10)))),
            .payload(.init(repeating: 0, count: 16)),
        ]
    }

    // MARK: In

    private mutating func incoming(_ kind: World.Kind, _ family: AddressFamily, _ isTunnelled: Bool) -> [Layer] {
        let address = chance(20) ? anyAddress(family) : World.address(kind, family)
        let far = chance(12) ? anyAddress(family) : World.correspondents[family == .v4 ? 0 : 1]
        var inner = chance(10) ? error(to: address) : random.packet(from: far, to: address, isAnswer: true)
        // A copy of a packet that came by the other way, or one that is rightly alike.
        if kind.isBicast {
            if chance(4) { setFragment(of: &inner, at: 0) }
            if chance(2), let recent { inner = recent }
            recent = inner
            // Another fragment of the same, with the same in it.
            if chance(6) { setFragment(of: &inner, at: 9) }
        }
        guard isTunnelled else { return inner }
        let outer = self.outer(kind, to: World.address(chance(6) ? pick(World.Kind.allCases) : .current, .v4))
        guard chance(6) else { return outer + inner }
        // To a care-of address that moves.
        let moving = pick([World.Kind.overV4, .keyed, .sequenced, .overV6])
        return self.outer(moving, to: World.address(.current, .v4))
            + self.outer(kind, to: World.address(moving, .v4)) + inner
    }

    /// - Parameter offset: in units of 8 bytes.
    private func setFragment(of layers: inout [Layer], at offset: UInt16) {
        switch layers[0] {
        case .ipv4(var header):
            (header.moreFragments, header.fragmentOffset) = (true, offset)
            layers[0] = .ipv4(header)
        case .ipv6(var header):
            header.extensions = [.init(44, [0, 0] + Frame.bigEndian(offset << 3 | 1) + [0, 0, 0, 9])]
            layers[0] = .ipv6(header)
        default: break
        }
    }

    /// Packets that are all alike, so many by one way that it is as far ahead as it can get, and some by the other;
    /// last first.
    private mutating func burst() -> [Packet] {
        let family: AddressFamily = chance(2) ? .v4 : .v6
        let far = World.correspondents[family == .v4 ? 0 : 1]
        let inner = random.packet(from: far, to: World.address(.bicast, family), isAnswer: true)
        let link = Layer.ethernet(.init(destination: World.macs[World.uplink]!, source: World.gateway))
        let tunnel = Layer.ipv4(.init(World.anchors[0], World.address(.current, .v4)))
        var ways = [[link] + inner, [link, tunnel] + inner].map { Packet(hook: .ingress, frame: Frame.encode($0)) }
        if chance(2) { ways.swapAt(0, 1) }
        let one = [Packet](repeating: ways[0], count: 60 + Int(random.number(below: 20)))
        return .init(repeating: ways[1], count: 70) + one
    }

    /// The tunnel's header as the address's entry has it, now and then another.
    /// - Parameter end: where it leads if it is over IPv4.
    private mutating func outer(_ kind: World.Kind, to end: IPAddress) -> [Layer] {
        let isV6 = chance(12) ? chance(2) : kind.isOverV6
        let index = isV6 ? 1 : 0
        var peer = World.anchors[index]
        if kind == .awaiting ? !chance(4) : chance(8) { peer = World.admitted[index] }
        if chance(20) { peer = IPAddress(isV6 ? "2001:db8:dead::1" : "198.18.0.1")! }
        let destination = isV6 ? World.address(.current, .v6) : end
        var tunnel = World.tunnelKind(kind)
        if chance(12) { tunnel = pick([.ipip, .gre(key: 77, sequenced: false), .gre(key: 78, sequenced: true)]) }
        guard case .gre(let agreed, let isSequenced) = tunnel else { return [ip(peer, destination)] }
        var header = Layer.GRE(key: chance(20) ? (chance(2) ? nil : 5) : agreed)
        if isSequenced { header.sequence = random.nextSequence() }
        if chance(30) { header.extraFlags = pick([0x8000, 0x0001, 0x4000]) }
        return [ip(peer, destination), .gre(header)]
    }

    /// An ICMP error about something that this node encapsulated, or about something else.
    private mutating func error(to destination: IPAddress) -> [Layer] {
        let isV6 = !destination.isV4
        let end = World.address(.current, isV6 ? .v6 : .v4)
        let about =
            chance(3)
            ? random.packet(from: destination, to: World.correspondents[isV6 ? 1 : 0])
            : [ip(end, World.anchors[isV6 ? 1 : 0])] + random.packet(from: destination, to: World.correspondents[0])
        let quoted = Frame.encode(about)
        let types: [UInt8] = isV6 ? [1, 2, 3, 4, 128, 100] : [3, 11, 12, 5, 8]
        var header = ip(World.correspondents[isV6 ? 1 : 0], chance(2) ? end : destination)
        // Of the other family's ICMP: nobody's error.
        if chance(6) { header = random.numbered(header, isV6 ? 1 : 58) }
        return [
            header,
            .icmp(.init(type: pick(types), code: 4, rest: 1400)),
            .payload(Array(chance(6) ? quoted.prefix(Int(random.number(below: 60))) : quoted.prefix(600))),
        ]
    }

    private mutating func anyAddress(_ family: AddressFamily) -> IPAddress {
        let v4 = [
            "0.0.0.0", "127.0.0.1", "169.254.1.1", "224.0.0.9", "255.255.255.255", "10.1.0.1", "10.1.0.200", "8.8.8.8",
        ]
        let v6 = ["::", "::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "2001:db8:5::dead", "::ffff:10.1.0.16"]
        let known = World.addresses + World.anchors + World.admitted
        return pick((family == .v4 ? v4 : v6).map { IPAddress($0)! } + known.filter { $0.family == family })
    }
}

import NetworkTypes
import PacketKit

@testable import AnchorDataPlane

extension NATPackets {
    /// A packet of a flow in one of its directions.
    mutating func packet(
        _ transport: ModelNAT.Transport, from source: ModelNAT.Endpoint, to destination: ModelNAT.Endpoint,
        isAnswer: Bool
    ) -> [Layer] {
        let header = random.ip(source.address, destination.address)
        let size = random.chance(12) ? 500 + Int(random.number(below: 980)) : Int(random.number(below: 60))
        let content = Layer.payload(content(size))
        switch transport {
        case .udp: return [header, .udp(.init(source.port, destination.port)), content]
        case .tcp: return [header, .tcp(segment(source.port, destination.port, isAnswer)), content]
        case .icmp:
            let identifier = isAnswer ? destination.port : source.port
            let types: [UInt8] = isAnswer ? [0, 0, 0, 14, 8, 17] : [8, 8, 8, 13, 0, 10]
            let rest = UInt32(identifier) << 16 | random.number(below: 3)
            return [header, .icmp(.init(type: random.chance(3) ? random.pick(types) : types[0], rest: rest)), content]
        }
    }

    private mutating func segment(_ source: UInt16, _ destination: UInt16, _ isAnswer: Bool) -> Layer.TCP {
        let (syn, ack, fin, rst) = (Layer.TCP.syn, Layer.TCP.ack, Layer.TCP.fin, Layer.TCP.rst)
        var tcp = Layer.TCP.syn(source, destination, mss: random.pick([536, 1400, 1460, 8960]))
        if isAnswer ? random.chance(10) : random.chance(2) { return tcp }
        tcp.options = []
        tcp.flags =
            random.chance(2) ? ack : random.pick([syn | ack, fin | ack, fin | ack, rst, rst | ack, syn | fin, 0])
        return tcp
    }

    /// One whose checksum, once it is translated, is computed as 0.
    mutating func summingToZero(_ flow: Known) -> (port: UInt32, frame: [UInt8]) {
        let layers = packet(.udp, from: flow.tuple.local, to: flow.tuple.remote, isAnswer: false)
        guard case .ipv4(var header) = layers[0], case .udp(var udp) = layers[1], case .payload(var content) = layers[2]
        else { return fromHost(flow.tuple.local.address, layers) }
        content.replaceSubrange(0..<2, with: [0, 0])
        header.source = flow.outside.address
        udp.sourcePort = flow.outside.port
        let translated = Frame.encode([.ipv4(header), .udp(udp), .payload(content)])
        content.replaceSubrange(0..<2, with: translated[(translated.count - content.count - 2)...].prefix(2))
        return fromHost(flow.tuple.local.address, [layers[0], layers[1], .payload(content)])
    }

    // MARK: ICMP errors

    /// About what the host has sent, from whom it was sent to or from a router on the way.
    mutating func errorDown(_ flow: Known) -> (port: UInt32, frame: [UInt8]) {
        var quotedFrom = flow.outside
        if random.chance(10) { quotedFrom.port ^= 1 }
        let about = packet(flow.tuple.transport, from: quotedFrom, to: flow.tuple.remote, isAnswer: false)
        let router = random.chance(2) ? flow.tuple.remote.address : NATWorld.correspondents[1]
        var outside = flow.outside.address
        if random.chance(12), let bits = outside.v4Bits { outside = IPAddress(v4: bits ^ 1) }
        return fromCore(error(from: router, to: outside, quote(about)))
    }

    /// About what the host has got.
    mutating func errorUp(_ flow: Known) -> (port: UInt32, frame: [UInt8]) {
        var local = flow.tuple.local
        if random.chance(10) { local.port ^= 1 }
        if random.chance(12) { local.address = DifferentialWorld.host(.attached, .v4) }
        let about = packet(flow.tuple.transport, from: flow.tuple.remote, to: local, isAnswer: true)
        let far = random.chance(6) ? NATWorld.correspondents[0] : flow.tuple.remote.address
        return fromHost(flow.tuple.local.address, error(from: flow.tuple.local.address, to: far, quote(about)))
    }

    mutating func error(from source: IPAddress, to destination: IPAddress, _ quoted: [UInt8]) -> [Layer] {
        let icmp = Layer.ICMP(
            type: random.pick([3, 3, 3, 11, 12, 4, 5]), code: UInt8(random.number(below: 5)),
            rest: random.number(below: 1500))
        return [random.ip(source, destination), .icmp(icmp), .payload(quoted)]
    }

    /// As much of it as routers quote.
    mutating func quote(_ layers: [Layer]) -> [UInt8] {
        var bytes = Frame.encode(layers)
        let header = Int(bytes[0] & 15) * 4
        if case .udp = layers[1], random.chance(4) { bytes.replaceSubrange(header + 6..<header + 8, with: [0, 0]) }
        if random.chance(12) { bytes[10] ^= 0x10 }
        switch random.number(below: 6) {
        case 0, 1: return Array(bytes.prefix(header + 8))
        case 2: return Array(bytes.prefix(header + 8 + Int(random.number(below: 24))))
        case 3 where random.chance(3): return Array(bytes.prefix(Int(random.number(below: UInt32(header + 8)))))
        case 4: return Array(bytes.prefix(128))
        default: return bytes
        }
    }
}

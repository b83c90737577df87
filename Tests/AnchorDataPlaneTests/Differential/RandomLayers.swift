import NetworkTypes
import PacketKit

/// Layers from a seed, most of them right.
struct RandomLayers {
    private var generator: Splitmix
    /// Makes packets differ that are to be told from copies.
    private var serial: UInt32 = 0
    /// Of the next packet in a sequenced tunnel; it wraps early in a run.
    private var sequence: UInt32 = 0xffff_f000
    /// Few, so that packets meet in flows.
    private static let ports: [UInt16] = [1000, 1001, 1002]

    init(seed: UInt64) { generator = Splitmix(seed: seed) }

    mutating func chance(_ oneIn: Int) -> Bool { Int.random(in: 0..<oneIn, using: &generator) == 0 }
    mutating func pick<C: Collection>(_ from: C) -> C.Element { from.randomElement(using: &generator)! }
    mutating func number(below limit: UInt32) -> UInt32 { UInt32.random(in: 0..<limit, using: &generator) }

    /// For a sequenced tunnel: higher than the last one, or now and then an older one.
    mutating func nextSequence() -> UInt32 {
        sequence &+= 1
        // A long way may be missing.
        if chance(500) { sequence &+= 0x3000_0000 }
        return chance(6) ? sequence &- number(below: 2000) : sequence
    }

    mutating func ip(_ source: IPAddress, _ destination: IPAddress) -> Layer {
        let ttl: UInt8 = chance(30) ? UInt8.random(in: 0...2, using: &generator) : 64
        let ecn: UInt8 = chance(3) ? UInt8.random(in: 0...3, using: &generator) : 0
        let dscp: UInt8 = chance(6) ? UInt8.random(in: 0...63, using: &generator) : 0
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
            header.extensions = (0..<Int.random(in: 1...5, using: &generator)).map { _ in
                chance(3)
                    ? .init(
                        44, pick([[0, 0, 0, 1, 0, 0, 0, 9], [0, 0, 5, 0xc8, 0, 0, 0, 9], [0, 0, 0, 0, 0, 0, 0, 9]]))
                    : .init(
                        pick([0, 43, 60]), pick([[0, 0, 1, 4, 0, 0, 0, 0], [0, 1] + .init(repeating: 0, count: 14)]))
            }
            // So long that the transport header is further away than a mobile node looks.
            if chance(20) { header.extensions = [.init(60, [0, 123] + .init(repeating: 0, count: 990))] }
        }
        return .ipv6(header)
    }

    /// - Parameter isAnswer: it goes the other way in its flow.
    mutating func packet(
        from source: IPAddress, to destination: IPAddress, isAnswer: Bool = false
    ) -> [Layer] {
        serial += 1
        let port = pick(Self.ports)
        func ports(_ service: UInt16) -> (UInt16, UInt16) { isAnswer ? (service, port) : (port, service) }
        let (http, dns) = (ports(80), ports(53))
        let content = withUnsafeBytes(of: serial) { Array($0) }
        let size =
            chance(8) ? Int.random(in: 500...1480, using: &generator) : Int.random(in: 4...120, using: &generator)
        let payload = Layer.payload(content + .init(repeating: 0x55, count: size - 4))
        let header = ip(source, destination)
        switch number(below: 7) {
        case 0, 1:
            var tcp = Layer.TCP.syn(http.0, http.1, mss: pick([536, 1380, 1400, 1401, 1460, 8960]))
            if chance(3) { tcp.options = [1] + tcp.options + pick([[1, 1, 1], [0, 0, 0]]) }
            if chance(6) {
                tcp.options =
                    pick([
                        [4, 2, 8, 0, 0, 0, 0, 0], [2, 4, 0xff], [8, 10] + .init(repeating: 1, count: 10), [2, 3, 9],
                        [2, 6, 1, 1, 1, 1], .init(repeating: 1, count: 9),
                    ])
                    + tcp.options
            }
            while tcp.options.count % 4 != 0 { tcp.options.append(0) }
            // It would be in what is behind the header.
            if chance(12) { tcp.options = [1, 1, 2, 4] }
            return [header, .tcp(tcp), payload]
        case 2, 3:
            let flags = [Layer.TCP.ack, Layer.TCP.fin | Layer.TCP.ack, Layer.TCP.rst, Layer.TCP.syn | Layer.TCP.ack]
            return [header, .tcp(.init(http.0, http.1, flags: chance(3) ? pick(flags) : Layer.TCP.ack)), payload]
        case 4:
            return [
                header,
                .icmp(
                    .init(
                        type: pick([0, 3, 8, 11, 1, 2, 128, 129, 135, 137]),
                        rest: number(below: 3) << 16 | serial & 0xffff)), payload,
            ]
        case 5:
            // The layer writes ports, whatever the protocol is.
            return [numbered(header, pick([33, 50, 132, 136, 4, 41])), .udp(.init(dns.0, dns.1)), payload]
        default: return [header, .udp(.init(dns.0, dns.1)), payload]
        }
    }

    /// The header with another protocol's number.
    func numbered(_ layer: Layer, _ number: UInt8) -> Layer {
        switch layer {
        case .ipv4(var header):
            header.protocolNumber = number
            return .ipv4(header)
        case .ipv6(var header):
            header.nextHeader = number
            return .ipv6(header)
        default: return layer
        }
    }

    /// - Parameter shortest: bytes that are left at least.
    mutating func mutate(_ frame: inout [UInt8], shortest: Int = 14) {
        switch Int.random(in: 0..<4, using: &generator) {
        case 0:
            frame = Array(frame.prefix(Int.random(in: shortest...max(shortest, frame.count), using: &generator)))
        case 1: frame += [UInt8](repeating: 0xee, count: Int.random(in: 1...40, using: &generator))
        default:
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                let place = Int.random(in: 0..<min(frame.count, 120), using: &generator)
                frame[place] =
                    chance(2)
                    ? frame[place] ^ (1 << UInt8.random(in: 0..<8, using: &generator))
                    : .random(in: 0...255, using: &generator)
            }
        }
    }
}

import NetworkTypes
import PacketKit

/// The answer to a packet that is too big for its tunnel.
enum ModelAnswer {
    /// Bytes that are quoted; the packet must have as many as the longer one.
    private static let quoteV4 = 68
    private static let quoteV6 = 128

    static func isError(number: UInt8, type: UInt8) -> Bool {
        number == 1 ? [3, 4, 5, 11, 12].contains(type) : number == 58 && (type < 128 || type == 137)
    }

    static func tooBig(
        _ packet: ModelPacket, mtu: Int, on index: PortIndex, _ port: Port, endpoints: [IPAddress]
    ) throws(ModelWalk.Exit) -> ModelOutcome {
        let header = packet.network
        let family = header.source.family
        guard header.start + quoteV6 <= packet.bytes.count, header.fragment != .later, header.source.isGlobal else {
            throw ModelWalk.exit("too_big")
        }
        if header.number == 1 || header.number == 58 {
            guard header.payload < packet.bytes.count,
                !isError(number: header.number, type: packet.bytes[header.payload])
            else { throw ModelWalk.exit("too_big") }
        }
        let own = (port.addresses + endpoints).first { $0.family == family && $0.isGlobal } ?? header.destination
        let quote = packet.bytes[header.start...].prefix(header.isV4 ? quoteV4 : quoteV6)
        let link = packet.bytes[6..<12] + packet.bytes[..<6] + packet.bytes[12..<header.start]
        let answer: [UInt8]
        if header.isV4 {
            var ip = Layer.IPv4(own, header.source)
            (ip.dscp, ip.dontFragment) = (48, false)
            let icmp = Layer.ICMP(type: 3, code: 4, rest: UInt32(max(mtu, 68)))
            answer = Frame.encode([.ipv4(ip), .icmp(icmp), .payload(Array(quote))])
        } else {
            let icmp = Layer.ICMP(type: 2, rest: UInt32(max(mtu, 1280)))
            answer = Frame.encode([.ipv6(.init(own, header.source)), .icmp(icmp), .payload(Array(quote))])
        }
        return ModelOutcome(verdict: .redirect(index), reason: Reason(name: "icmp_too_big"), bytes: link + answer)
    }
}

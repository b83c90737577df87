import NetworkTypes
import PacketKit

/// The answer of a mobile node to its own stack, about a packet that is too big for its tunnel.
enum MobileAnswer {
    /// Bytes that are quoted; a packet that has fewer isn't answered.
    private static let quote = 256

    /// "Fragmentation needed" (RFC 1191) or "packet too big" (RFC 4443, section 3.2), as if from the packet's
    /// destination: the stack takes that however it is set to check sources. It is not for others, so there is no
    /// limit, and errors are answered, too.
    static func tooBig(_ packet: ModelPacket, mtu: Int) throws(ModelWalk.Exit) -> ModelOutcome {
        let header = packet.network
        guard header.fragment != .later, packet.bytes.count >= header.start + quote else {
            throw ModelWalk.exit("too_big")
        }
        let quoted = Layer.payload(Array(packet.bytes[header.start...].prefix(quote)))
        let answer: [UInt8]
        if header.isV4 {
            var ip = Layer.IPv4(header.destination, header.source)
            ip.dscp = 48  // network control
            answer = Frame.encode([.ipv4(ip), .icmp(.init(type: 3, code: 4, rest: UInt32(mtu))), quoted])
        } else {
            // No IPv6 link has a smaller MTU (RFC 8200, section 5).
            let icmp = Layer.ICMP(type: 2, rest: UInt32(max(mtu, 1280)))
            answer = Frame.encode([.ipv6(.init(header.destination, header.source)), .icmp(icmp), quoted])
        }
        let link = packet.bytes[6..<12] + packet.bytes[..<6] + packet.bytes[12..<14]
        return ModelOutcome(verdict: .comesIn, reason: Reason(name: "icmp_too_big"), bytes: link + answer)
    }
}

import NetworkTypes
import PacketKit

/// A tunnel's headers in front of an inner packet.
struct ModelTunnel {
    var isGRE = false
    var key: UInt32?
    var sequence: UInt32?
    var inner: ModelPacket.Header

    /// Why it is not of the kind that was agreed on; `nil` if it is.
    func mismatch(with agreed: TunnelKind?) -> ModelWalk.Exit? {
        switch agreed {
        case .gre(let key, let isSequenced):
            guard isGRE, (sequence != nil) == isSequenced else { return ModelWalk.exit("tunnel_kind_mismatch") }
            return self.key == key ? nil : ModelWalk.exit("tunnel_key_mismatch")
        case .ipip, nil:
            return isGRE ? ModelWalk.exit("tunnel_kind_mismatch") : nil
        }
    }
}

extension Encapsulation {
    /// Outer IP header, and GRE behind it (RFC 2003, RFC 2473, RFC 2890).
    /// - Parameters:
    ///   - header: the inner packet's.
    ///   - peer: the tunnel's other end, where the path names none.
    func header(
        for header: ModelPacket.Header, to peer: IPAddress?, key: UInt32, sequence: UInt32
    ) -> [UInt8] {
        let destination = destination ?? peer ?? .anyV6
        let dscp = dscp ?? header.trafficClass >> 2
        var layers: [Layer] = []
        var number: UInt8 = header.isV4 ? 4 : 41
        if case .gre(let isSequenced) = kind {
            number = 47
            layers.append(.gre(.init(key: key, sequence: isSequenced ? sequence : nil)))
        }
        if source.isV4 {
            var outer = Layer.IPv4(source, destination)
            (outer.ttl, outer.dscp, outer.ecn) = (ttl, dscp, header.trafficClass & 3)
            outer.protocolNumber = number
            outer.totalLength = UInt16(truncatingIfNeeded: overhead + header.length)
            layers.insert(.ipv4(outer), at: 0)
        } else {
            var outer = Layer.IPv6(source, destination)
            (outer.hopLimit, outer.dscp, outer.ecn) = (ttl, dscp, header.trafficClass & 3)
            outer.nextHeader = number
            outer.payloadLength = UInt16(truncatingIfNeeded: overhead - 40 + header.length)
            layers.insert(.ipv6(outer), at: 0)
        }
        var bytes = Frame.encode(layers)
        // The layers don't see what is inside: GRE names its type.
        if number == 47 {
            let type = bytes.count - overhead + (source.isV4 ? 22 : 42)
            bytes.replaceSubrange(type..<type + 2, with: Frame.bigEndian(header.isV4 ? 0x0800 : 0x86dd))
        }
        return bytes
    }
}

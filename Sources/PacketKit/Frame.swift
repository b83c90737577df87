import NetworkTypes

/// Builds packets layer by layer.
public enum Frame {
    /// - Returns: the bytes, lengths and checksums filled in.
    public static func encode(_ layers: [Layer]) -> [UInt8] {
        encode(layers[...], below: nil)
    }

    /// The addresses that a transport checksum covers.
    private struct PseudoHeader {
        var source: IPAddress
        var destination: IPAddress
    }

    private static func encode(_ layers: ArraySlice<Layer>, below: PseudoHeader?) -> [UInt8] {
        guard let layer = layers.first else { return [] }
        let inside = layers.dropFirst()
        switch layer {
        case .ethernet(let header):
            return encode(header, type: header.etherType ?? etherType(of: inside)) + encode(inside, below: nil)
        case .ipv4(let header):
            let payload = encode(inside, below: PseudoHeader(source: header.source, destination: header.destination))
            return encode(header, number: header.protocolNumber ?? number(of: inside, v6: false), payload.count)
                + payload
        case .ipv6(let header):
            let payload = encode(inside, below: PseudoHeader(source: header.source, destination: header.destination))
            return encode(header, number: header.nextHeader ?? number(of: inside, v6: true), payload.count) + payload
        case .gre(let header):
            let flags = (header.key == nil ? 0 : 0x2000) | (header.sequence == nil ? 0 : 0x1000) | header.extraFlags
            return big(flags) + big(etherType(of: inside)) + (header.key.map(big) ?? [])
                + (header.sequence.map(big) ?? []) + encode(inside, below: nil)
        case .tcp(let header):
            let offset = UInt8((20 + header.options.count) / 4) << 4
            let bytes =
                big(header.sourcePort) + big(header.destinationPort) + big(header.sequence) + big(UInt32(0))
                + [offset, header.flags] + big(UInt16(0xffff)) + [0, 0, 0, 0] + header.options
                + encode(inside, below: nil)
            return sealed(bytes, at: 16, number: 6, below)
        case .udp(let header):
            let payload = encode(inside, below: nil)
            let bytes =
                big(header.sourcePort) + big(header.destinationPort)
                + big(UInt16(truncatingIfNeeded: 8 + payload.count))
                + [0, 0] + payload
            return sealed(bytes, at: 6, number: 17, below)
        case .icmp(let header):
            let bytes = [header.type, header.code, 0, 0] + big(header.rest) + encode(inside, below: nil)
            let isV6 = below.map { !$0.source.isV4 } ?? false
            return sealed(bytes, at: 2, number: 58, isV6 ? below : nil)
        case .payload(let bytes):
            return bytes + encode(inside, below: nil)
        }
    }

    private static func encode(_ header: Layer.Ethernet, type: UInt16) -> [UInt8] {
        header.destination.bytes + header.source.bytes + header.tags.flatMap { big(UInt16(0x8100)) + big($0) }
            + big(type)
    }

    private static func encode(_ header: Layer.IPv4, number: UInt8, _ payload: Int) -> [UInt8] {
        let length = 20 + header.options.count
        let fragment =
            (header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0) | header.fragmentOffset & 0x1fff
        let first: [UInt8] = [UInt8(0x40 | length / 4), header.dscp << 2 | header.ecn & 3]
        let total = header.totalLength ?? UInt16(truncatingIfNeeded: length + payload)
        var bytes = first + big(total) + big(header.identification) + big(fragment)
        bytes += [header.ttl, number, 0, 0] + header.source.bytes + header.destination.bytes + header.options
        return sealed(bytes, at: 10, number: 0, nil)
    }

    private static func encode(_ header: Layer.IPv6, number: UInt8, _ payload: Int) -> [UInt8] {
        let numbers = header.extensions.map(\.number) + [number]
        let extensions = header.extensions.indices.flatMap {
            [numbers[$0 + 1]] + header.extensions[$0].bytes.dropFirst()
        }
        let class_ = UInt32(header.dscp << 2 | header.ecn & 3)
        return big(6 << 28 | class_ << 20 | header.flowLabel & 0xfffff)
            + big(header.payloadLength ?? UInt16(truncatingIfNeeded: extensions.count + payload))
            + [numbers[0], header.hopLimit] + header.source.bytes + header.destination.bytes + extensions
    }

    /// Puts the checksum in at `offset`, over the pseudo header too where there is one.
    private static func sealed(_ bytes: [UInt8], at offset: Int, number: UInt8, _ pseudo: PseudoHeader?) -> [UInt8] {
        var sum = InternetChecksum()
        if let pseudo {
            sum.add(pseudo.source.bytes)
            sum.add(pseudo.destination.bytes)
            sum.add(UInt32(bytes.count))
            sum.add(UInt16(number))
        }
        sum.add(bytes)
        var sealed = bytes
        // A UDP checksum of zero would mean that there is none (RFC 768).
        let checksum = number == 17 && sum.complement == 0 ? 0xffff : sum.complement
        sealed[offset] = UInt8(checksum >> 8)
        sealed[offset + 1] = UInt8(checksum & 0xff)
        return sealed
    }

    private static func etherType(of inside: ArraySlice<Layer>) -> UInt16 {
        switch inside.first {
        case .ipv4: 0x0800
        case .ipv6: 0x86dd
        default: 0x88b5
        }
    }

    private static func number(of inside: ArraySlice<Layer>, v6: Bool) -> UInt8 {
        switch inside.first {
        case .ipv4: 4
        case .ipv6: 41
        case .gre: 47
        case .tcp: 6
        case .udp: 17
        case .icmp: v6 ? 58 : 1
        case .ethernet, .payload, nil: v6 ? 59 : 253
        }
    }

    /// A number of two bytes in network order.
    public static func bigEndian(_ number: UInt16) -> [UInt8] { big(number) }

    static func big<T: FixedWidthInteger>(_ number: T) -> [UInt8] {
        withUnsafeBytes(of: number.bigEndian) { Array($0) }
    }
}

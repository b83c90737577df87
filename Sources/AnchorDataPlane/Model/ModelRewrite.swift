import NetworkTypes
import PacketKit

/// What is changed in a packet on its way.
extension ModelPacket {
    func word(_ at: Int) -> UInt16 { UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1]) }

    mutating func setWord(_ at: Int, _ value: UInt16) {
        bytes[at] = UInt8(value >> 8)
        bytes[at + 1] = UInt8(value & 0xff)
    }

    /// RFC 1624, equation 3.
    private mutating func replaceInChecksum(at place: Int, _ old: UInt16, by new: UInt16) {
        var sum = InternetChecksum()
        sum.add(~word(place))
        sum.add(~old)
        sum.add(new)
        setWord(place, sum.complement)
    }

    mutating func decrementTTL(of header: Header) {
        if header.isV4 {
            bytes[header.start + 8] -= 1
            let sum = UInt32(word(header.start + 10)) + 0x0100
            setWord(header.start + 10, UInt16(truncatingIfNeeded: sum + sum >> 16))
        } else {
            bytes[header.start + 7] -= 1
        }
    }

    mutating func setTrafficClass(_ value: UInt8, of header: Header) {
        if header.isV4 {
            replaceInChecksum(at: header.start + 10, UInt16(header.trafficClass), by: UInt16(value))
            bytes[header.start + 1] = value
        } else {
            bytes[header.start] = 0x60 | value >> 4
            bytes[header.start + 1] = bytes[header.start + 1] & 0x0f | value << 4
        }
    }

    /// RFC 6040, section 4.2. `nil`: drop.
    static func ecnOutOfTunnel(outer: UInt8, inner: UInt8) -> UInt8? {
        switch (outer & 3, inner & 3) {
        case (3, 0): nil
        case (3, _): 3
        case (1, 2): 1
        case (_, let inner): inner
        }
    }

    /// Lowers the maximum segment size that a SYN announces.
    mutating func clampMSS(_ header: Header, _ configuration: DataPlaneConfiguration) {
        let limit = header.isV4 ? configuration.maximumSegmentV4 : configuration.maximumSegmentV6
        let tcp = header.payload
        guard limit > 0, header.number == 6, header.fragment != .later, tcp + 20 <= bytes.count,
            bytes[tcp + 13] & Layer.TCP.syn != 0
        else { return }
        let length = Int(bytes[tcp + 12] >> 4) * 4
        guard tcp + length <= bytes.count else { return }
        var at = 20
        for _ in 0..<8 where at + 4 <= length {
            let option = tcp + at
            guard bytes[option] != 0 else { return }
            if bytes[option] == 1 {
                at += 1
                continue
            }
            if bytes[option] == 2 && bytes[option + 1] == 4 {
                let old = word(option + 2)
                guard old > limit else { return }
                setWord(option + 2, limit)
                let isOdd = at & 1 == 1
                replaceInChecksum(
                    at: tcp + 16, isOdd ? old.byteSwapped : old, by: isOdd ? limit.byteSwapped : limit)
                return
            }
            guard bytes[option + 1] >= 2 else { return }
            at += Int(bytes[option + 1])
        }
    }

    /// What stays the same in a packet whichever way it comes.
    func content(of header: Header) -> [UInt8] {
        var fixed = Array(bytes[header.start..<header.start + (header.isV4 ? 20 : 40)])
        if header.isV4 {
            fixed[1] = 0
            fixed[8] = 0
            fixed[10] = 0
            fixed[11] = 0
        } else {
            fixed[0] &= 0xf0
            fixed[1] &= 0x0f
            fixed[7] = 0
        }
        let payload = bytes[(header.start + fixed.count)...].prefix(40)
        return fixed + payload.prefix(payload.count & ~3)
    }
}

extension IPAddress {
    /// One host's, on more than its link.
    var isGlobal: Bool {
        if let bits = v4Bits { return bits >> 24 != 0 && !isLoopback && bits >> 24 < 224 && !isLinkLocal }
        return high != 0 && !isMulticast && !isLinkLocal
    }
}

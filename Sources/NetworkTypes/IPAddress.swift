/// An IPv4 or IPv6 address, held as the data plane holds it: 16 bytes in network order, IPv4 in its
/// v4-mapped form `::ffff:a.b.c.d` (RFC 4291, section 2.5.5.2).
public struct IPAddress: Hashable, Sendable {
    /// Bytes 0–7 as a big-endian number.
    public let high: UInt64
    /// Bytes 8–15 as a big-endian number.
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter bits: the IPv4 address as a number, `10.0.0.1` being `0x0a00_0001`.
    public init(v4 bits: UInt32) {
        self.init(high: 0, low: 0xffff_0000_0000 | UInt64(bits))
    }

    /// From 4 (IPv4) or 16 bytes in network order; `nil` for any other count.
    public init?(bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4:
            self.init(v4: bytes.reduce(0) { $0 << 8 | UInt32($1) })
        case 16:
            self.init(
                high: bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) },
                low: bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) })
        default:
            return nil
        }
    }

    public static let anyV4 = IPAddress(v4: 0)
    public static let anyV6 = IPAddress(high: 0, low: 0)

    public var isV4: Bool { high == 0 && low >> 32 == 0xffff }
    public var family: AddressFamily { isV4 ? .v4 : .v6 }

    /// The IPv4 address as a number; `nil` for IPv6.
    public var v4Bits: UInt32? { isV4 ? UInt32(truncatingIfNeeded: low) : nil }

    public var isUnspecified: Bool { self == .anyV4 || self == .anyV6 }
    /// 169.254.0.0/16 or fe80::/10.
    public var isLinkLocal: Bool { isV4 ? low >> 16 & 0xffff == 0xa9fe : high >> 54 == 0xfe80 >> 6 }
    /// 224.0.0.0/4 or ff00::/8.
    public var isMulticast: Bool { isV4 ? low >> 28 & 0xf == 0xe : high >> 56 == 0xff }
    public var isLoopback: Bool { isV4 ? low >> 24 & 0xff == 127 : high == 0 && low == 1 }

    /// All 16 bytes in network order, IPv4 in its v4-mapped form.
    public var mappedBytes: [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: high >> (56 - 8 * $0)) }
            + (0..<8).map { UInt8(truncatingIfNeeded: low >> (56 - 8 * $0)) }
    }

    /// The bytes on the wire: 4 for IPv4, 16 for IPv6, network order.
    public var bytes: [UInt8] { isV4 ? Array(mappedBytes.suffix(4)) : mappedBytes }
}

/// IPv4 or IPv6.
public enum AddressFamily: UInt8, Hashable, Sendable, CaseIterable, Codable {
    case v4 = 4
    case v6 = 6

    /// Bits in an address: 32 or 128.
    public var addressBits: Int { self == .v4 ? 32 : 128 }
}

extension IPAddress: Comparable {
    public static func < (a: IPAddress, b: IPAddress) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

/// An Ethernet address of six bytes.
public struct MACAddress: Hashable, Sendable {
    /// The address as a number, its first byte on the wire the highest of 48 bits.
    public let bits: UInt64

    public init(bits: UInt64) { self.bits = bits & 0xffff_ffff_ffff }

    /// From six bytes in wire order; `nil` for any other count.
    public init?(bytes: some Collection<UInt8>) {
        guard bytes.count == 6 else { return nil }
        self.init(bits: bytes.reduce(0) { $0 << 8 | UInt64($1) })
    }

    public static let zero = MACAddress(bits: 0)

    /// Six bytes in wire order.
    public var bytes: [UInt8] { (0..<6).map { UInt8(truncatingIfNeeded: bits >> (40 - 8 * UInt64($0))) } }
    public var isGroup: Bool { bits >> 40 & 1 == 1 }
}

extension MACAddress: LosslessStringConvertible {
    /// Six pairs of hexadecimal digits with colons between them.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let bytes = parts.compactMap { $0.count == 2 ? UInt8($0, radix: 16) : nil }
        guard parts.count == 6 else { return nil }
        self.init(bytes: bytes)
    }

    public var description: String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }
}

extension MACAddress: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let address = MACAddress(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not a MAC address")
        }
        self = address
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

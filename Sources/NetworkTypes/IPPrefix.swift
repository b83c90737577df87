/// An address block, such as `10.1.0.0/16` or `2001:db8::/64`. The bits behind the length are zero.
public struct IPPrefix: Hashable, Sendable {
    public let address: IPAddress
    /// Bits in the prefix, counted in the address's own family: 0–32 or 0–128.
    public let length: Int

    /// `nil` where the length does not fit the family. Bits behind the length are cleared.
    public init?(_ address: IPAddress, length: Int) {
        guard (0...address.family.addressBits).contains(length) else { return nil }
        self.address = IPPrefix.mask(address, length: length)
        self.length = length
    }

    public var family: AddressFamily { address.family }

    public func contains(_ other: IPAddress) -> Bool {
        other.family == family && IPPrefix.mask(other, length: length) == address
    }

    public func contains(_ other: IPPrefix) -> Bool { other.length >= length && contains(other.address) }

    /// How many addresses it holds, `UInt64.max` where there are more.
    public var count: UInt64 {
        let hostBits = family.addressBits - length
        return hostBits >= 64 ? .max : 1 << UInt64(hostBits)
    }

    /// The address `offset` places behind the first; `nil` behind the last.
    public func address(at offset: UInt64) -> IPAddress? {
        guard offset < count else { return nil }
        return IPAddress(high: address.high, low: address.low | offset)
    }

    private static func mask(_ address: IPAddress, length: Int) -> IPAddress {
        let bits = address.isV4 ? length + 96 : length
        let high = bits >= 64 ? UInt64.max : ~(UInt64.max >> UInt64(bits))
        let low = bits <= 64 ? 0 : bits >= 128 ? UInt64.max : ~(UInt64.max >> UInt64(bits - 64))
        return IPAddress(high: address.high & high, low: address.low & low)
    }
}

extension IPPrefix: LosslessStringConvertible {
    /// `address/length`; a bare address is a prefix of its whole length.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let address = IPAddress(String(parts[0])) else { return nil }
        if parts.count == 1 {
            self.init(address, length: address.family.addressBits)
            return
        }
        guard parts[1].allSatisfy(\.isNumber), let length = Int(parts[1]) else { return nil }
        self.init(address, length: length)
    }

    public var description: String { "\(address)/\(length)" }
}

extension IPPrefix: Codable {
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let prefix = IPPrefix(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "'\(text)' is not an address block")
        }
        self = prefix
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}

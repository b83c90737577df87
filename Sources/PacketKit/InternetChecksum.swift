/// The one's complement sum of RFC 1071, over bytes in network order.
public struct InternetChecksum: Sendable {
    private var sum: UInt64 = 0

    public init() {}

    /// Adds bytes; an odd count is padded with a zero, so only the last piece may be odd.
    public mutating func add(_ bytes: some Sequence<UInt8>) {
        var high: UInt64?
        for byte in bytes {
            if let first = high {
                sum += first << 8 | UInt64(byte)
                high = nil
            } else {
                high = UInt64(byte)
            }
        }
        if let high { sum += high << 8 }
    }

    public mutating func add(_ number: UInt16) { sum += UInt64(number) }
    public mutating func add(_ number: UInt32) { sum += UInt64(number >> 16) + UInt64(number & 0xffff) }

    /// The sum folded to 16 bits; 0xffff over data whose checksum is right.
    public var folded: UInt16 {
        var folded = sum
        while folded >> 16 != 0 { folded = (folded & 0xffff) + folded >> 16 }
        return UInt16(folded)
    }

    /// What goes into a checksum field.
    public var complement: UInt16 { ~folded }
}

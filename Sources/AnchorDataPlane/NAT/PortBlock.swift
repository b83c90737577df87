import FlowAnchorABI

/// A block of consecutive ports of one outside address, for all protocols, by its index in `fa_nat_blocks`. A
/// subscriber has the whole of it (RFC 6888, REQ-14).
public struct PortBlock: Hashable, Sendable, Comparable {
    public var index: UInt32

    public init(index: UInt32) { self.index = index }

    /// - Parameters:
    ///   - outside: where the outside address is counted, see ``OutsideRange``.
    ///   - number: of the block in the address, 0 to 127; it begins with port `number` × 512.
    public init(outside: Int, number: Int) { index = UInt32(outside * Self.perAddress + number) }

    public var outside: Int { Int(index) / Self.perAddress }
    public var number: Int { Int(index) % Self.perAddress }
    public var ports: ClosedRange<UInt16> {
        let first = UInt16(number * Self.size)
        return first...first + UInt16(Self.size - 1)
    }

    /// Ports in a block.
    public static let size = Int(FA_NAT_BLOCK_PORTS)
    public static let perAddress = Int(FA_NAT_ADDRESS_BLOCKS)
    /// The first one that is given out: what is below 1024 means something to others (RFC 4787, REQ-3).
    public static let first = Int(FA_NAT_FIRST_BLOCK)
    /// Blocks that one subscriber can have.
    public static let perSubscriber = Int(FA_NAT_SUBSCRIBER_BLOCKS)

    public static func < (a: PortBlock, b: PortBlock) -> Bool { a.index < b.index }
}

extension PortBlock: CustomStringConvertible {
    /// Its ports: `1024-1535`.
    public var description: String { "\(ports.lowerBound)-\(ports.upperBound)" }
}

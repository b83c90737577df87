import FlowAnchorABI
import NetworkTypes

/// Consecutive outside addresses, and where they are counted: the blocks and ports of each are found by its number,
/// which stays the same while anything of it is in use.
public struct OutsideRange: Hashable, Sendable {
    /// IPv4.
    public var first: IPAddress
    public var count: Int
    /// Number of the first one.
    public var index: Int

    public init(first: IPAddress, count: Int, index: Int) {
        self.first = first
        self.count = count
        self.index = index
    }

    public var last: IPAddress { IPAddress(v4: (first.v4Bits ?? 0) &+ UInt32(count - 1)) }
    public var end: Int { index + count }

    /// - Returns: the address's number; `nil` if it isn't one of these.
    public func number(of address: IPAddress) -> Int? {
        guard let bits = address.v4Bits, let base = first.v4Bits, bits >= base, Int(bits - base) < count else {
            return nil
        }
        return index + Int(bits - base)
    }

    /// - Returns: the address of that number; `nil` if it isn't one of these.
    public func address(number: Int) -> IPAddress? {
        guard let base = first.v4Bits, number >= index, number < end else { return nil }
        return IPAddress(v4: base + UInt32(number - index))
    }

    /// Prefixes that together are these addresses.
    var prefixes: [IPPrefix] {
        guard var base = first.v4Bits.map(UInt64.init) else { return [] }
        let end = base + UInt64(count)
        var found: [IPPrefix] = []
        while base < end {
            var size: UInt64 = base == 0 ? 1 << 32 : base & ~(base - 1)
            while base + size > end { size >>= 1 }
            let length = 32 - size.trailingZeroBitCount
            if let prefix = IPPrefix(IPAddress(v4: UInt32(truncatingIfNeeded: base)), length: length) {
                found.append(prefix)
            }
            base += size
        }
        return found
    }
}

extension OutsideRange: CustomStringConvertible {
    public var description: String { count == 1 ? "\(first)" : "\(first)-\(last)" }
}

extension [OutsideRange] {
    /// The number of an outside address; `nil` if it is none.
    public func number(of address: IPAddress) -> Int? {
        for range in self {
            if let number = range.number(of: address) { return number }
        }
        return nil
    }

    public func address(number: Int) -> IPAddress? {
        for range in self {
            if let address = range.address(number: number) { return address }
        }
        return nil
    }

    /// Numbers the ranges: one that was there before, or is part of one that was, keeps its numbers; the others get
    /// those that are free.
    /// - Parameter former: as they were numbered; what flows go on depends on it.
    public static func numbered(
        _ ranges: [(first: IPAddress, count: Int)], keeping former: [OutsideRange] = []
    ) -> [OutsideRange] {
        var numbered: [OutsideRange?] = ranges.map { range in
            let last = IPAddress(v4: (range.first.v4Bits ?? 0) &+ UInt32(range.count - 1))
            for old in former {
                guard let number = old.number(of: range.first), old.number(of: last) != nil else { continue }
                return OutsideRange(first: range.first, count: range.count, index: number)
            }
            return nil
        }
        for (place, range) in ranges.enumerated() where numbered[place] == nil {
            let taken = numbered.compactMap(\.self).sorted { $0.index < $1.index }
            var index = 0
            for other in taken where other.index < index + range.count && other.end > index { index = other.end }
            numbered[place] = OutsideRange(first: range.first, count: range.count, index: index)
        }
        return numbered.compactMap(\.self)
    }

    /// Outside addresses that the tables must have room for.
    public var capacity: Int { map(\.end).max() ?? 0 }
}

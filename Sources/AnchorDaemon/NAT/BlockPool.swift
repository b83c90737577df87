import AnchorDataPlane
import NetworkTypes

/// Which blocks of ports of the outside addresses are nobody's.
struct BlockPool {
    let ranges: [OutsideRange]
    /// A bit for each block of an address, two words an address, by the address's place among all of them.
    private var words: [UInt64]
    private var counts: [Int]
    private(set) var free: Int
    /// Addresses with more than the reserve free.
    private var roomy: Int
    private let addresses: Int

    /// All of them are free, the lowest ones apart that are never given out.
    init(_ ranges: [OutsideRange]) {
        self.ranges = ranges
        addresses = ranges.reduce(0) { $0 + $1.count }
        words = []
        words.reserveCapacity(2 * addresses)
        for _ in 0..<addresses {
            words.append(~0 << UInt64(PortBlock.first))
            words.append(~0)
        }
        counts = [Int](repeating: Self.perAddress, count: addresses)
        free = addresses * Self.perAddress
        roomy = addresses
    }

    static let perAddress = PortBlock.perAddress - PortBlock.first
    /// Blocks of an address that are left to hosts that need more than one.
    private static let reserve = perAddress / 4

    /// The block is somebody's; what isn't one of these addresses' is of no account.
    mutating func reserve(_ block: PortBlock) {
        guard let place = place(of: block), isFree(block, place) else { return }
        words[2 * place + block.number / 64] &= ~(1 << UInt64(block.number % 64))
        count(place, -1)
    }

    mutating func giveBack(_ block: PortBlock) {
        guard block.number >= PortBlock.first, let place = place(of: block), !isFree(block, place) else { return }
        words[2 * place + block.number / 64] |= 1 << UInt64(block.number % 64)
        count(place, 1)
    }

    /// A block of this address; `nil` if none is free.
    mutating func take(of outside: IPAddress) -> PortBlock? {
        guard let number = ranges.number(of: outside), let place = place(ofNumber: number) else { return nil }
        return take(place, number)
    }

    /// The first block of a new subscriber: the address follows from the inside one, so that hosts are spread evenly
    /// and find the same one again; where that one has few blocks left for those that need more of them, it is the next.
    mutating func take(for inside: IPAddress) -> (outside: IPAddress, block: PortBlock)? {
        guard free > 0 else { return nil }
        let start = Int(Self.spread(inside) % UInt64(addresses))
        for reserve in roomy > 0 ? [Self.reserve, 0] : [0] {
            for step in 0..<addresses {
                let place = (start + step) % addresses
                guard counts[place] > reserve, let (outside, number) = address(place),
                    let block = take(place, number)
                else { continue }
                return (outside, block)
            }
        }
        return nil
    }

    /// Blocks of an address that are free.
    func free(of outside: IPAddress) -> Int {
        guard let number = ranges.number(of: outside), let place = place(ofNumber: number) else { return 0 }
        return counts[place]
    }

    // MARK: Places

    private mutating func take(_ place: Int, _ number: Int) -> PortBlock? {
        for half in 0...1 where words[2 * place + half] != 0 {
            let bit = words[2 * place + half].trailingZeroBitCount
            words[2 * place + half] &= ~(1 << UInt64(bit))
            count(place, -1)
            return PortBlock(outside: number, number: half * 64 + bit)
        }
        return nil
    }

    private mutating func count(_ place: Int, _ change: Int) {
        let wasRoomy = counts[place] > Self.reserve
        counts[place] += change
        free += change
        let isRoomy = counts[place] > Self.reserve
        if isRoomy != wasRoomy { roomy += isRoomy ? 1 : -1 }
    }

    private func isFree(_ block: PortBlock, _ place: Int) -> Bool {
        words[2 * place + block.number / 64] >> UInt64(block.number % 64) & 1 != 0
    }

    private func place(of block: PortBlock) -> Int? { place(ofNumber: block.outside) }

    private func place(ofNumber number: Int) -> Int? {
        var place = 0
        for range in ranges {
            if number >= range.index, number < range.end { return place + number - range.index }
            place += range.count
        }
        return nil
    }

    private func address(_ place: Int) -> (IPAddress, number: Int)? {
        var left = place
        for range in ranges {
            if left < range.count { return range.address(number: range.index + left).map { ($0, range.index + left) } }
            left -= range.count
        }
        return nil
    }

    private static func spread(_ inside: IPAddress) -> UInt64 {
        var bits = inside.low &* 0x9e37_79b9_7f4a_7c15
        bits ^= bits >> 32
        bits &*= 0x9e37_79b9_7f4a_7c15
        return bits >> 32
    }
}

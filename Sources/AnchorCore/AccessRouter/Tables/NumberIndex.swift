/// Finds the place of what the configuration numbers: an open-addressed hash table, asked a million times at a start.
/// Only the operator chooses the numbers, so that they need not be hashed with a secret, which takes most of such a
/// question's time.
struct NumberIndex: Sendable {
    private struct Entry: Sendable {
        var number: UInt64
        /// The place plus one; 0 where nothing is.
        var place: UInt32
    }

    private var entries: [Entry]
    private let shift: UInt64

    /// - Parameter numbers: those that there are, in the order of their places. Of equal ones the last counts.
    init(_ numbers: some Collection<UInt64>) {
        // At most half full.
        var bits: UInt64 = 2
        while 1 << bits < 2 * numbers.count { bits += 1 }
        shift = 64 - bits
        entries = [Entry](repeating: Entry(number: 0, place: 0), count: 1 << Int(bits))
        for (place, number) in numbers.enumerated() {
            entries[index(number)] = Entry(number: number, place: UInt32(place) + 1)
        }
    }

    /// The number's place, counted from 0; `nil` if there is no such number.
    @inline(__always)
    subscript(number: some FixedWidthInteger & UnsignedInteger) -> Int? {
        let place = entries[index(UInt64(number))].place
        return place == 0 ? nil : Int(place) - 1
    }

    /// Where the number is, or would be.
    @inline(__always)
    private func index(_ number: UInt64) -> Int {
        var index = Int(truncatingIfNeeded: (number &* 0x9e37_79b9_7f4a_7c15) >> shift)
        while entries[index].place != 0, entries[index].number != number {
            index = (index + 1) & (entries.count - 1)
        }
        return index
    }
}

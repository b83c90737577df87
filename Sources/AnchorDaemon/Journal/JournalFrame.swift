import Crypto

/// What is written at once, and counts only as a whole.
///
///     length u32 | digest 8 | length bytes of records, each: length u16 | bytes
///
/// All big-endian. The digest is the first half of a quarter of SHA-256, over the records: it finds what a power
/// cut left half-written, it is no protection against anyone.
enum JournalFrame {
    static let headerLength = 12

    static func encode(_ records: [[UInt8]]) -> [UInt8] {
        var payload: [UInt8] = []
        for record in records {
            payload += [UInt8(truncatingIfNeeded: record.count >> 8), UInt8(truncatingIfNeeded: record.count)]
            payload += record
        }
        let length = UInt32(payload.count)
        return (0..<4).map { UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32($0))) } + digest(payload[...])
            + payload
    }

    enum Result: Equatable {
        /// The records, and where the next frame begins.
        case frame([[UInt8]], next: Int)
        /// It goes to the end of the file, or would go beyond it, and is not whole: never acknowledged.
        case torn
        /// It is wrong, and more follows: the disk or somebody else changed it.
        case damaged
    }

    static func decode(_ bytes: [UInt8], at start: Int) -> Result {
        guard start + headerLength <= bytes.count else { return .torn }
        let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        let end = start + headerLength + length
        guard end <= bytes.count else { return .torn }
        let payload = bytes[start + headerLength..<end]
        guard length > 0, digest(payload) == Array(bytes[start + 4..<start + headerLength]),
            let records = split(payload)
        else { return end == bytes.count || bytes[start...].allSatisfy { $0 == 0 } ? .torn : .damaged }
        return .frame(records, next: end)
    }

    private static func split(_ payload: ArraySlice<UInt8>) -> [[UInt8]]? {
        var rest = payload
        var records: [[UInt8]] = []
        while let high = rest.popFirst() {
            guard let low = rest.popFirst() else { return nil }
            let length = Int(high) << 8 | Int(low)
            guard rest.count >= length else { return nil }
            records.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return records
    }

    private static func digest(_ payload: ArraySlice<UInt8>) -> [UInt8] {
        Array(SHA256.hash(data: payload).prefix(8))
    }
}

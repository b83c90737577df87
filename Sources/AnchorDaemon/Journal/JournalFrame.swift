import Crypto

/// What is written at once, and counts only as a whole.
///
///     length u32 | digest 8 | length bytes of records, each: length u16 | bytes
///
/// All big-endian. The digest is the first half of a quarter of SHA-256, over the records: it finds what a power
/// cut left half-written, it is no protection against anyone.
enum JournalFrame {
    static let headerLength = 12

    /// A frame that is being put together.
    struct Writer: Sendable {
        private var bytes = [UInt8](repeating: 0, count: headerLength)

        var isEmpty: Bool { bytes.count == headerLength }

        /// Adds a record of at most 65,535 bytes.
        /// - Parameter encode: appends the record's bytes.
        mutating func add(_ encode: (inout [UInt8]) -> Void) {
            let start = bytes.count
            bytes.append(0)
            bytes.append(0)
            encode(&bytes)
            let length = bytes.count - start - 2
            bytes[start] = UInt8(length >> 8)
            bytes[start + 1] = UInt8(truncatingIfNeeded: length)
        }

        /// The whole frame.
        consuming func frame() -> [UInt8] {
            let length = UInt32(bytes.count - headerLength)
            for place in 0..<4 { bytes[place] = UInt8(truncatingIfNeeded: length >> (24 - 8 * UInt32(place))) }
            let digest = bytes.withUnsafeBytes {
                JournalFrame.digest(UnsafeRawBufferPointer(rebasing: $0[headerLength...]))
            }
            for place in 0..<8 { bytes[4 + place] = UInt8(truncatingIfNeeded: digest >> (56 - 8 * UInt64(place))) }
            return bytes
        }
    }

    static func encode(_ records: [[UInt8]]) -> [UInt8] {
        var writer = Writer()
        for record in records { writer.add { $0 += record } }
        return writer.frame()
    }

    enum Result: Equatable {
        /// Where its records are, and where the next frame begins.
        case frame(Range<Int>, next: Int)
        /// It goes to the end of the file, or would go beyond it, and is not whole: never acknowledged.
        case torn
        /// It is wrong, and more follows: the disk or somebody else changed it.
        case damaged
    }

    static func decode(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Result {
        guard start + headerLength <= bytes.count else { return .torn }
        let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        let end = start + headerLength + length
        guard end <= bytes.count else { return .torn }
        let payload = UnsafeRawBufferPointer(rebasing: bytes[start + headerLength..<end])
        let expected = bytes.loadUnaligned(fromByteOffset: start + 4, as: UInt64.self).bigEndian
        guard length > 0, digest(payload) == expected, isSplit(payload) else {
            return end == bytes.count || bytes[start...].allSatisfy { $0 == 0 } ? .torn : .damaged
        }
        return .frame(start + headerLength..<end, next: end)
    }

    /// Hands over the records of a frame that was found whole.
    static func forEachRecord(
        in payload: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) throws(JournalError) -> Void
    ) throws(JournalError) {
        var place = 0
        while place < payload.count {
            let length = length(payload, place)
            try body(UnsafeRawBufferPointer(rebasing: payload[place + 2..<place + 2 + length]))
            place += 2 + length
        }
    }

    private static func isSplit(_ payload: UnsafeRawBufferPointer) -> Bool {
        var place = 0
        while place + 2 <= payload.count { place += 2 + length(payload, place) }
        return place == payload.count
    }

    private static func length(_ payload: UnsafeRawBufferPointer, _ place: Int) -> Int {
        Int(payload[place]) << 8 | Int(payload[place + 1])
    }

    private static func digest(_ payload: UnsafeRawBufferPointer) -> UInt64 {
        var hash = SHA256()
        hash.update(bufferPointer: payload)
        return hash.finalize().withUnsafeBytes { $0.loadUnaligned(as: UInt64.self).bigEndian }
    }
}

import AnchorCore

/// The journal's bytes: a magic, then frames of length (two bytes), CRC-32 of the payload (four) and payload, the
/// encoding of a record. Big-endian.
enum JournalFormat {
    static let magic = Array("FAJRNL1\n".utf8)
    static let frameHeader = 6

    static func append(_ record: AccessRouterRecord, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes += [0, 0, 0, 0, 0, 0]
        record.encode(into: &bytes)
        let length = bytes.count - start - frameHeader
        let checksum = bytes.withUnsafeBytes { CRC32.of(UnsafeRawBufferPointer(rebasing: $0[(start + frameHeader)...])) }
        bytes[start] = UInt8(truncatingIfNeeded: length >> 8)
        bytes[start + 1] = UInt8(truncatingIfNeeded: length)
        for place in 0..<4 { bytes[start + 2 + place] = UInt8(truncatingIfNeeded: checksum >> (24 - 8 * UInt32(place))) }
    }

    /// What a journal holds.
    struct Contents {
        var records: [AccessRouterRecord] = []
        /// Bytes up to and with the last whole record; what follows was being written when the machine stopped.
        var validLength = 0
        /// Whole records come after what can't be read: not the end of an interrupted write.
        var isDamaged = false
    }

    /// - Returns: `nil` for what is no journal at all.
    static func read(_ bytes: [UInt8]) -> Contents? {
        // Interrupted while its very first bytes were written.
        if bytes.count < magic.count { return magic.starts(with: bytes) ? Contents() : nil }
        guard bytes.starts(with: magic) else { return nil }
        var contents = Contents(validLength: magic.count)
        while let (record, end) = frame(bytes, at: contents.validLength) {
            contents.records.append(record)
            contents.validLength = end
        }
        if contents.validLength < bytes.count {
            contents.isDamaged = (contents.validLength + 1..<bytes.count).contains { frame(bytes, at: $0) != nil }
        }
        return contents
    }

    private static func frame(_ bytes: [UInt8], at start: Int) -> (AccessRouterRecord, end: Int)? {
        guard start + frameHeader <= bytes.count else { return nil }
        let length = Int(bytes[start]) << 8 | Int(bytes[start + 1])
        let end = start + frameHeader + length
        guard length > 0, length <= AccessRouterRecord.longestEncoding, end <= bytes.count else { return nil }
        let checksum = bytes[(start + 2)..<(start + 6)].reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
        let found = bytes.withUnsafeBytes {
            CRC32.of(UnsafeRawBufferPointer(rebasing: $0[(start + frameHeader)..<end]))
        }
        guard checksum == found, let record = AccessRouterRecord(bytes: bytes[(start + frameHeader)..<end]) else {
            return nil
        }
        return (record, end)
    }
}

/// The checksum of IEEE 802.3.
enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? 0xedb8_8320 ^ sum >> 1 : sum >> 1 }
    }

    static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            ~bytes.reduce(UInt32.max) { sum, byte in table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8 }
        }
    }
}

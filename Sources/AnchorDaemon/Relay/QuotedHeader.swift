import NetworkTypes

/// An IP header in an ICMP error, which may quote less than the whole packet.
struct QuotedHeader {
    var source: IPAddress
    var destination: IPAddress
    /// What is at `payload`.
    var number: UInt8
    /// Behind the header, options included.
    var payload: Int
    /// Of the whole packet as its sender sent it, in bytes.
    var length: Int
    var isLaterFragment: Bool

    /// `nil` where the header is cut short or none. IPv6 extension headers are not looked behind: packets that
    /// routers encapsulate in this project carry none outside.
    init?(_ bytes: ArraySlice<UInt8>) {
        let start = bytes.startIndex
        guard let first = bytes.first else { return nil }
        func word(_ offset: Int) -> UInt16 { UInt16(bytes[start + offset]) << 8 | UInt16(bytes[start + offset + 1]) }
        switch first >> 4 {
        case 4:
            let header = Int(first & 0xf) * 4
            guard bytes.count >= 20, header >= 20, bytes.count >= header else { return nil }
            source = IPAddress(bytes: bytes[start + 12..<start + 16])!
            destination = IPAddress(bytes: bytes[start + 16..<start + 20])!
            number = bytes[start + 9]
            payload = start + header
            length = Int(word(2))
            isLaterFragment = word(6) & 0x1fff != 0
        case 6:
            guard bytes.count >= 40 else { return nil }
            source = IPAddress(bytes: bytes[start + 8..<start + 24])!
            destination = IPAddress(bytes: bytes[start + 24..<start + 40])!
            number = bytes[start + 6]
            payload = start + 40
            length = 40 + Int(word(4))
            isLaterFragment = false
        default: return nil
        }
    }

    /// An ICMP message that is itself an error, which no error may be sent about (RFC 1122, section 3.2.2;
    /// RFC 4443, section 2.4 e). A message whose type is cut off counts as one.
    func isError(in bytes: ArraySlice<UInt8>) -> Bool {
        guard number == 1 || number == 58 else { return false }
        guard payload < bytes.endIndex else { return true }
        let type = bytes[payload]
        return number == 1 ? [3, 4, 5, 11, 12].contains(type) : type < 128
    }
}

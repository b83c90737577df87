import NetworkTypes

/// A frame taken apart, as far as an access router or a mobile node reads it.
struct ModelPacket {
    enum Malformation: Error {
        case notIP
        case malformed
    }

    enum Fragment {
        case none
        case first
        case later
    }

    /// One IP header. Places are counted in bytes from the start of the frame.
    struct Header {
        var isV4: Bool
        var start: Int
        /// Where the transport header, or the next IP or GRE header, begins.
        var payload: Int
        /// Behind the packet's last byte.
        var end: Int
        var source: IPAddress
        var destination: IPAddress
        /// DSCP and ECN.
        var trafficClass: UInt8
        var ttl: UInt8
        /// What is at `payload`.
        var number: UInt8
        var fragment = Fragment.none

        /// In bytes, header included.
        var length: Int { end - start }
        /// IPv4, IPv6 or GRE inside.
        var isTunnel: Bool { number == 4 || number == 41 || number == 47 }
    }

    var bytes: [UInt8]
    /// VLAN identifier of the outermost tag, 0 for none.
    var vlan: UInt16 = 0
    var network: Header
    /// What the NAT has changed of it.
    var translations: [Translation] = []

    /// Whether a group is the frame's destination.
    var isGroup: Bool { bytes[0] & 1 == 1 }
    /// The packet is all there.
    var isWhole: Bool { network.end <= bytes.count }

    /// Headers behind which the transport header is looked for.
    static let extensionLimit = 4
    /// All of them together, in bytes.
    static let longestExtensions = 1024

    init(_ bytes: [UInt8]) throws(Malformation) {
        self.bytes = bytes
        var at = 12
        var tags = 0
        var type = try ModelPacket.word(bytes, at)
        at += 2
        while (type == 0x8100 || type == 0x88a8) && tags < 2 {
            let tag = try ModelPacket.word(bytes, at)
            if tags == 0 { vlan = tag & 0xfff }
            type = try ModelPacket.word(bytes, at + 2)
            at += 4
            tags += 1
        }
        guard type == 0x0800 || type == 0x86dd, bytes[0] & 1 == 0 else { throw .notIP }
        network = try ModelPacket.header(bytes, at: at, isV4: type == 0x0800)
    }

    /// A frame as a mobile node's uplink has it: without a tag. The packet is all there.
    /// - Throws: `notIP`, or `malformed` also for a packet that is not all there.
    init(ofMobileNode bytes: [UInt8]) throws(Malformation) {
        let type = try ModelPacket.word(bytes, 12)
        guard type == 0x0800 || type == 0x86dd else { throw .notIP }
        self.bytes = bytes
        network = try ModelPacket.header(bytes, at: 14, isV4: type == 0x0800)
        guard isWhole else { throw .malformed }
    }

    /// Where a header may begin to be looked at, in bytes from the start of the frame: a router's inner one, a mobile
    /// node's transport header.
    static let furthestHeader = 1024

    /// Whether so many bytes of the transport header can be looked at.
    func hasTransport(_ header: Header, _ count: Int) -> Bool {
        header.payload <= Self.furthestHeader && header.payload + count <= bytes.count
    }

    static func word(_ bytes: [UInt8], _ at: Int) throws(Malformation) -> UInt16 {
        guard at + 2 <= bytes.count else { throw .malformed }
        return UInt16(bytes[at]) << 8 | UInt16(bytes[at + 1])
    }

    /// The packet may be longer than what is there of it.
    static func header(_ bytes: [UInt8], at start: Int, isV4: Bool) throws(Malformation) -> Header {
        isV4 ? try ipv4(bytes, start) : try ipv6(bytes, start)
    }

    private static func ipv4(_ bytes: [UInt8], _ start: Int) throws(Malformation) -> Header {
        guard start + 20 <= bytes.count, bytes[start] >> 4 == 4 else { throw .malformed }
        let headerLength = Int(bytes[start] & 0xf) * 4
        let total = Int(try word(bytes, start + 2))
        guard headerLength >= 20, total >= headerLength else { throw .malformed }
        let offset = try word(bytes, start + 6)
        return Header(
            isV4: true, start: start, payload: start + headerLength, end: start + total,
            source: IPAddress(bytes: bytes[start + 12..<start + 16])!,
            destination: IPAddress(bytes: bytes[start + 16..<start + 20])!,
            trafficClass: bytes[start + 1], ttl: bytes[start + 8], number: bytes[start + 9],
            fragment: offset & 0x1fff != 0 ? .later : offset & 0x2000 != 0 ? .first : .none)
    }

    private static func ipv6(_ bytes: [UInt8], _ start: Int) throws(Malformation) -> Header {
        guard start + 40 <= bytes.count, bytes[start] >> 4 == 6 else { throw .malformed }
        let end = start + 40 + Int(try word(bytes, start + 4))
        var header = Header(
            isV4: false, start: start, payload: start + 40, end: end,
            source: IPAddress(bytes: bytes[start + 8..<start + 24])!,
            destination: IPAddress(bytes: bytes[start + 24..<start + 40])!,
            trafficClass: bytes[start] << 4 | bytes[start + 1] >> 4, ttl: bytes[start + 7], number: bytes[start + 6])
        for _ in 0..<extensionLimit where header.fragment != .later {
            guard let length = try extensionLength(bytes, header) else { break }
            if header.number == 44 {
                let offset = try word(bytes, header.payload + 2)
                if offset & 0xfff8 != 0 {
                    header.fragment = .later
                } else if offset & 1 != 0 {
                    header.fragment = .first
                }
            }
            header.number = bytes[header.payload]
            header.payload += length
        }
        guard header.payload <= end, header.payload - start - 40 <= longestExtensions else { throw .malformed }
        return header
    }

    /// Bytes of the extension header at `payload`; `nil` if there is none.
    private static func extensionLength(
        _ bytes: [UInt8], _ header: Header
    ) throws(Malformation) -> Int? {
        guard [0, 43, 44, 60].contains(header.number) else { return nil }
        guard header.payload + 8 <= bytes.count else { throw .malformed }
        return header.number == 44 ? 8 : (Int(bytes[header.payload + 1]) + 1) * 8
    }
}

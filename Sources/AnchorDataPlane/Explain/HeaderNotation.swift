import NetworkTypes

/// The headers of a frame as walks are written: `[nA>oA][M>C]`, outermost first, with ` GRE(key, seq) ` between them
/// where there is one.
struct HeaderNotation {
    private(set) var stack = ""
    /// What is in the innermost packet: `tcp 40112>443 SYN`.
    private(set) var content = ""

    init(_ frame: [UInt8]) {
        guard let packet = try? ModelPacket(frame) else { return }
        var header = packet.network
        while true {
            stack += "[\(header.source)>\(header.destination)]"
            guard let next = inside(header, packet) else { break }
            header = next
        }
        content = Self.content(header, packet)
    }

    /// The packet in a tunnel.
    private mutating func inside(_ outer: ModelPacket.Header, _ packet: ModelPacket) -> ModelPacket.Header? {
        guard outer.isTunnel, outer.fragment != .later else { return nil }
        var place = outer.payload
        var isV4 = outer.number == 4
        var between = ""
        if outer.number == 47 {
            guard place + 4 <= packet.bytes.count else { return nil }
            let flags = packet.word(place)
            isV4 = packet.word(place + 2) == 0x0800
            let fields = [(UInt16(0x2000), "key"), (0x1000, "seq")].filter { flags & $0.0 != 0 }
            place += 4 + 4 * fields.count
            between = fields.isEmpty ? " GRE " : " GRE(\(fields.map(\.1).joined(separator: ", "))) "
        }
        guard let inner = try? ModelPacket.header(packet.bytes, at: place, isV4: isV4) else { return nil }
        stack += between
        return inner
    }

    private static func content(_ header: ModelPacket.Header, _ packet: ModelPacket) -> String {
        let name = KeyText.transport(header.number)
        guard header.fragment != .later, packet.hasTransport(header, 8) else { return name }
        switch header.number {
        case 6:
            guard packet.hasTransport(header, 20) else { return name }
            let flags = FieldText.flags(
                UInt32(packet.bytes[header.payload + 13]), [2: "SYN", 16: "ACK", 1: "FIN", 4: "RST", 8: "PSH"])
            return "\(name) \(packet.word(header.payload))>\(packet.word(header.payload + 2)) \(flags)"
        case 17: return "\(name) \(packet.word(header.payload))>\(packet.word(header.payload + 2))"
        case 1, 58: return "\(name) type \(packet.bytes[header.payload]) identifier \(packet.word(header.payload + 4))"
        default: return name
        }
    }
}

@testable import AnchorDataPlane

/// The bytes in hexadecimal, as other tools read them.
func hex(_ bytes: [UInt8]) -> String {
    bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
}

/// Some entries in which two tables differ.
func different<Key: Hashable, Value: Equatable>(_ programs: [Key: Value], _ model: [Key: Value]) -> String {
    Set(programs.keys).union(model.keys).filter { programs[$0] != model[$0] }.prefix(5).map { key in
        """
        \(key):
          model    \(model[key].map { "\($0)" } ?? "none")
          programs \(programs[key].map { "\($0)" } ?? "none")
        """
    }.joined(separator: "\n")
}

/// What a frame is, header by header, as far as it can be read.
func dissected(_ frame: [UInt8]) -> String {
    guard let packet = try? ModelPacket(frame) else { return "no IP" }
    var headers = [text(packet.network, packet)]
    var last = packet.network
    while let next = inside(last, packet) {
        headers.append(text(next, packet))
        last = next
    }
    return headers.joined(separator: " | ")
}

/// The packet in a tunnel, or the one that an ICMP error quotes.
private func inside(_ header: ModelPacket.Header, _ packet: ModelPacket) -> ModelPacket.Header? {
    guard header.fragment != .later, packet.bytes.count > header.payload + 8 else { return nil }
    if header.number == 1, ModelAnswer.isError(number: 1, type: packet.bytes[header.payload]) {
        return try? ModelPacket.header(packet.bytes, at: header.payload + 8, isV4: true)
    }
    return tunnelled(header, packet)
}

/// The packet in a tunnel.
func tunnelled(_ header: ModelPacket.Header, _ packet: ModelPacket) -> ModelPacket.Header? {
    guard header.fragment != .later, packet.bytes.count > header.payload + 8 else { return nil }
    switch header.number {
    case 4, 41: return try? ModelPacket.header(packet.bytes, at: header.payload, isV4: header.number == 4)
    case 47:
        let flags = packet.word(header.payload)
        let length = 4 + (flags & 0x2000 == 0 ? 0 : 4) + (flags & 0x1000 == 0 ? 0 : 4)
        return try? ModelPacket.header(
            packet.bytes, at: header.payload + length, isV4: packet.word(header.payload + 2) == 0x0800)
    default: return nil
    }
}

private func text(_ header: ModelPacket.Header, _ packet: ModelPacket) -> String {
    var text = "\(header.source) > \(header.destination) protocol \(header.number) length \(header.length)"
    text += " TTL \(header.ttl)"
    if header.fragment != .none { text += " fragment \(header.fragment)" }
    guard header.fragment != .later, packet.bytes.count >= header.payload + 8 else { return text }
    switch header.number {
    case 6, 17:
        text += " ports \(packet.word(header.payload)) > \(packet.word(header.payload + 2))"
        if header.number == 6 && packet.bytes.count > header.payload + 13 {
            text += " flags \(String(packet.bytes[header.payload + 13], radix: 2))"
        }
    case 1: text += " type \(packet.bytes[header.payload]) identifier \(packet.word(header.payload + 4))"
    default: break
    }
    return text
}

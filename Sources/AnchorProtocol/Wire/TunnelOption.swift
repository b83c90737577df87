/// The value of the tunnel option.
///
///     +---------------+---------------+---------------+---------------+
///     |     Kind      |S|  Reserved   |            Reserved           |
///     +---------------+---------------+---------------+---------------+
///     |                        GRE key or 0                           |
///     +---------------------------------------------------------------+
///
/// Kind 1 is IP-in-IP, kind 2 GRE with a key; S (bit 7) asks for sequence numbers, with GRE only.
extension OptionView {
    func tunnel() throws(MessageError) -> TunnelParameters {
        try requireLength(8)
        let key = value.bigEndian(UInt32.self, at: 4)
        let sequenced = value[1] & 0x80 != 0
        switch value[0] {
        case 1:
            guard key == 0 else { throw .optionValue(type: type, value: UInt64(key)) }
            guard !sequenced else { throw .optionValue(type: type, value: UInt64(value[1])) }
            return .ipInIP
        case 2:
            return .gre(key: key, sequenced: sequenced)
        default:
            throw .optionValue(type: type, value: UInt64(value[0]))
        }
    }
}

extension MessageWriter {
    mutating func option(_ type: UInt16, tunnel: TunnelParameters) {
        option(type, length: 8)
        switch tunnel {
        case .ipInIP:
            put(UInt32(1) << 24)
            put(UInt32(0))
        case .gre(let key, let sequenced):
            put(UInt32(2) << 24 | (sequenced ? 0x80_0000 : 0))
            put(key)
        }
    }
}

import NetworkTypes

extension OptionView {
    /// Six bytes of a station: neither zero nor a group's.
    func linkAddress() throws(MessageError) -> MACAddress {
        try requireLength(6)
        let mac = MACAddress(
            bits: UInt64(value.bigEndian(UInt16.self, at: 0)) << 32 | UInt64(value.bigEndian(UInt32.self, at: 2)))
        guard mac != .zero, !mac.isGroup else { throw .optionValue(type: type, value: mac.bits) }
        return mac
    }
}

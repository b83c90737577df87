import NetworkTypes

/// The value of the prefix option: a pool.
///
///     +---------------+---------------+---------------+---------------+
///     | Prefix length |                  Reserved = 0                 |
///     +---------------+---------------+---------------+---------------+
///     |  Prefix: 4 bytes (IPv4) or 16 (IPv6), zero behind the length  |
///     +---------------------------------------------------------------+
extension OptionView {
    func prefix() throws(MessageError) -> IPPrefix {
        guard value.count == 8 || value.count == 20 else { throw .optionLength(type: type, length: value.count) }
        let length = Int(value[0])
        let address = try address(at: 4, length: value.count - 4)
        guard let prefix = IPPrefix(address, length: length), prefix.address == address else {
            throw .optionValue(type: type, value: UInt64(length))
        }
        return prefix
    }
}

extension MessageWriter {
    mutating func option(_ type: UInt16, prefix: IPPrefix) {
        option(type, length: prefix.address.isV4 ? 8 : 20)
        put(UInt32(prefix.length) << 24)
        put(address: prefix.address)
    }
}

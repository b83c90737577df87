import NetworkTypes

/// The value of the lease option.
///
///     +---------------+---------------+---------------+---------------+
///     |                      Lifetime in seconds                      |
///     +---------------+---------------+---------------+---------------+
///     | Prefix length |                  Reserved = 0                 |
///     +---------------+---------------+---------------+---------------+
///     |              Address: 4 bytes (IPv4) or 16 (IPv6)             |
///     +---------------------------------------------------------------+
///     |                 Gateway: of the same family                   |
///     +---------------------------------------------------------------+
extension OptionView {
    func lease() throws(MessageError) -> AddressLease {
        guard value.count == 16 || value.count == 40 else { throw .optionLength(type: type, length: value.count) }
        let size = (value.count - 8) / 2
        let address = try address(at: 8, length: size)
        let gateway = try self.address(at: 8 + size, length: size)
        guard !address.isUnspecified, !address.isMulticast else {
            throw .optionValue(type: type, value: address.v4Bits.map(UInt64.init) ?? address.low)
        }
        guard value[4] <= size * 8 else { throw .optionValue(type: type, value: UInt64(value[4])) }
        return AddressLease(
            address: address, gateway: gateway, prefixLength: value[4],
            lifetime: value.bigEndian(UInt32.self, at: 0))
    }
}

extension MessageWriter {
    mutating func option(_ type: UInt16, lease: AddressLease) {
        precondition(lease.address.family == lease.gateway.family, "a lease's gateway is of the address's family")
        option(type, length: lease.address.isV4 ? 16 : 40)
        put(lease.lifetime)
        put(UInt32(lease.prefixLength) << 24)
        put(address: lease.address)
        put(address: lease.gateway)
    }
}

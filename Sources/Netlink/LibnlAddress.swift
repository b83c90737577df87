import CNetlink
import Glibc
import NetworkTypes

/// An address object of libnl's, released when it goes out of scope.
struct LibnlAddress: ~Copyable {
    let pointer: OpaquePointer

    init(_ address: IPAddress) { self.init(address, prefixLength: address.family.addressBits) }

    init(_ prefix: IPPrefix) { self.init(prefix.address, prefixLength: prefix.length) }

    init(_ address: IPAddress, prefixLength: Int) {
        self.init(family: address.family.number, bytes: address.bytes)
        nl_addr_set_prefixlen(pointer, Int32(prefixLength))
    }

    init(_ mac: MACAddress) { self.init(family: AF_LLC, bytes: mac.bytes) }

    private init(family: Int32, bytes: [UInt8]) {
        guard let pointer = bytes.withUnsafeBytes({ nl_addr_build(family, $0.baseAddress, $0.count) }) else {
            fatalError("out of memory")
        }
        self.pointer = pointer
    }

    deinit { nl_addr_put(pointer) }
}

/// The bytes of an address that belongs to a libnl object.
private func binaryAddress(of address: OpaquePointer?) -> [UInt8]? {
    guard let address else { return nil }
    let count = Int(nl_addr_get_len(address))
    guard count > 0, let start = nl_addr_get_binary_addr(address) else { return nil }
    return Array(UnsafeRawBufferPointer(start: start, count: count))
}

extension IPAddress {
    /// `nil` where libnl has none, or none of IPv4 or IPv6.
    init?(libnl address: OpaquePointer?) {
        guard let bytes = binaryAddress(of: address) else { return nil }
        self.init(bytes: bytes)
    }
}

extension IPPrefix {
    /// libnl holds "any" as an address without bytes.
    init?(libnl address: OpaquePointer?, family: AddressFamily) {
        guard let address else { return nil }
        let host = IPAddress(libnl: address) ?? (family == .v4 ? .anyV4 : .anyV6)
        self.init(host, length: Int(nl_addr_get_prefixlen(address)))
    }
}

extension MACAddress {
    init?(libnl address: OpaquePointer?) {
        guard let bytes = binaryAddress(of: address) else { return nil }
        self.init(bytes: bytes)
    }
}

extension AddressFamily {
    /// AF_INET or AF_INET6.
    var number: Int32 { self == .v4 ? AF_INET : AF_INET6 }

    init?(number: Int32) {
        switch number {
        case AF_INET: self = .v4
        case AF_INET6: self = .v6
        default: return nil
        }
    }
}

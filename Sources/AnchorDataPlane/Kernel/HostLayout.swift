import FlowAnchorABI
import NetworkTypes

/// Slots of the host table.
enum HostLayout: SlotLayout {
    struct Key {
        var address: fa_address
        var realm: UInt32

        @inline(__always)
        init(_ key: HostKey) {
            address = fa_address(key.address)
            realm = key.realm
        }
    }

    @inline(__always)
    static func equals(_ slot: UnsafePointer<fa_host>, _ key: Key) -> Bool {
        slot.pointee.address.halves_be == key.address.halves_be && slot.pointee.realm == key.realm
    }
}

extension fa_address {
    @inline(__always)
    init(_ address: IPAddress) {
        self.init()
        halves_be = (address.high.bigEndian, address.low.bigEndian)
    }

    /// The address, from network order.
    @inline(__always)
    var address: IPAddress {
        IPAddress(high: UInt64(bigEndian: halves_be.0), low: UInt64(bigEndian: halves_be.1))
    }
}

typealias MACBytes = (UInt8, UInt8, UInt8, UInt8, UInt8, UInt8)

extension MACAddress {
    @inline(__always)
    var tuple: MACBytes {
        func byte(_ shift: UInt64) -> UInt8 { UInt8(truncatingIfNeeded: bits >> shift) }
        return (byte(40), byte(32), byte(24), byte(16), byte(8), byte(0))
    }

    @inline(__always)
    init(_ bytes: MACBytes) {
        let upper = UInt64(bytes.0) << 40 | UInt64(bytes.1) << 32 | UInt64(bytes.2) << 24
        self.init(bits: upper | UInt64(bytes.3) << 16 | UInt64(bytes.4) << 8 | UInt64(bytes.5))
    }
}

extension fa_neighbour {
    @inline(__always)
    init(_ attachment: HostAttachment) {
        self.init()
        mac = attachment.mac.tuple
        vlan = attachment.vlan
        port = attachment.port
    }

    @inline(__always)
    var attachment: HostAttachment { HostAttachment(mac: MACAddress(mac), vlan: vlan, port: port) }
}

extension fa_host_value {
    /// The value's flags as `Int32` macros come out of C.
    @inline(__always)
    func has(_ flag: UInt32) -> Bool { UInt32(flags) & flag != 0 }
}

import BPFKit
import BPFObjects
import FlowAnchorABI

/// The programs that do the least that one can, with hosts in a `BPF_MAP_TYPE_HASH`.
struct Reference: ~Copyable {
    private let loaded: LoadedBPFObject

    /// - Parameter capacity: of the hash map, that of the host table.
    init(_ family: Family, hosts: Range<UInt32>, capacity: Int) throws {
        var object = try BPFObject(path: try BPFObjects.path(of: "reference"))
        try object.setCapacity(of: family == .v4 ? "reference_hosts_v4" : "reference_hosts_v6", to: UInt32(capacity))
        let loaded = try object.load()
        switch family {
        case .v4:
            let map = try loaded.map("reference_hosts_v4", UInt32.self, fa_reference_value.self)
            for number in hosts {
                try map.set(UInt32(family.host(number).low & 0xffff_ffff).bigEndian, to: Self.value(number))
            }
        case .v6:
            let map = try loaded.map("reference_hosts_v6", fa_address.self, fa_reference_value.self)
            for number in hosts {
                try map.set(Self.key(family.host(number).high, family.host(number).low), to: Self.value(number))
            }
        }
        self.loaded = loaded
    }

    func program(_ job: Job, _ family: Family) throws -> BPFProgram {
        // What is inside a packet is no business of the least that one can do.
        try loaded.program("reference_\((job == .bypass ? .forward : job).rawValue)_\(family)")
    }

    /// The router that all hosts are behind.
    /// - Parameter interface: index of the one that it sends from, in the current network namespace.
    func router(sendingFrom interface: Int32) throws -> BPFProgram {
        try BPFDeviceMap(try loaded.map("reference_devices")).set(0, to: interface)
        return try loaded.program("reference_router")
    }

    private static func key(_ high: UInt64, _ low: UInt64) -> fa_address {
        var address = fa_address()
        withUnsafeMutableBytes(of: &address) {
            $0.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
            $0.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return address
    }

    private static func value(_ number: UInt32) -> fa_reference_value {
        var value = fa_reference_value()
        value.source_v4_be = UInt32(Family.v4.endpoint.low & 0xffff_ffff).bigEndian
        value.destination_v4_be = UInt32(Family.v4.peer(number).low & 0xffff_ffff).bigEndian
        value.source = key(Family.v6.endpoint.high, Family.v6.endpoint.low)
        value.destination = key(Family.v6.peer(number).high, Family.v6.peer(number).low)
        value.mac_destination = (2, 0, 0, 0, 0, 1)
        value.mac_source = (2, 0, 0, 0, 0, 3)
        return value
    }
}

import CAtomics
import FlowAnchorABI
import NetworkTypes

/// `fa_paths`: the paths that are in use, by number, each with the copy in force.
struct PathsView: MapView {
    typealias Record = (index: Int, path: fa_path)

    let maps: SharedMaps

    func scan(_ body: (Record) -> Bool) {
        for index in 1..<maps.paths.count {
            let path = path(index)
            guard path.purpose.kind != 0 else { continue }
            if !body((index, path)) { return }
        }
    }

    /// A copy is written only while the other one is in force, so the one in force is whole if it still is afterwards.
    private func path(_ index: Int) -> fa_path {
        let generation = maps.paths.pointer(to: index) + MemoryLayout<fa_path>.offset(of: \.generation)!
        while true {
            let before = ca_load_acquire_u32(generation)
            let path = maps.paths[index]
            if ca_load_acquire_u32(generation) == before { return path }
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool {
        let number = try KeyText.number(key, of: "a path")
        return { $0.index == number }
    }

    func entry(_ record: Record) -> MapEntry { MapEntry(key: "\(record.index)", fields: record.path.fields) }
}

extension fa_path {
    var fields: [String: String] {
        var fields = current.fields
        fields["port"] = "\(current.port)"
        fields["users"] = "\(users)"
        fields["generation"] = "\(generation)"
        fields["next-hop"] = nextHop
        if purpose.path_mtu != 0 { fields["path-mtu"] = FieldText.bytes(purpose.path_mtu) }
        return fields
    }

    private var nextHop: String {
        switch UInt32(purpose.kind) {
        case FA_PATH_TO_HOST: "host"
        case FA_PATH_TO_NEIGHBOUR: "neighbour \(purpose.next_hop.address)"
        case FA_PATH_TO_STATION: "station \(MACAddress(current.mac_destination))"
        case FA_PATH_TO_KERNEL: "kernel"
        case FA_PATH_TO_NOBODY: "nobody"
        default: "\(purpose.kind)"
        }
    }
}

extension fa_path_copy {
    /// All but the port, whose meaning depends on the map.
    var fields: [String: String] {
        var fields = [
            "flags": FieldText.flags(UInt32(flags), Self.flagNames), "mtu": FieldText.bytes(mtu),
            "mac-source": "\(MACAddress(mac_source))", "mac-destination": "\(MACAddress(mac_destination))",
        ]
        if vlan_be != 0 { fields["vlan"] = "\(UInt16(bigEndian: vlan_be) & 0xfff)" }
        if has(FA_PATH_DROP) { fields["reason"] = Reason(number: UInt32(reason))?.name ?? "\(reason)" }
        guard has(FA_PATH_TUNNEL_V4 | FA_PATH_TUNNEL_V6) else { return fields }
        fields["push"] = FieldText.bytes(push)
        fields["ttl"] = "\(ttl)"
        if !has(FA_PATH_COPY_DSCP) { fields["dscp"] = "\(dscp >> 2)" }
        fields["source"] = "\(source.address)"
        if !has(FA_PATH_PEER_FROM_HOST) { fields["destination"] = "\(destination.address)" }
        if has(FA_PATH_TUNNEL_V4) {
            let digits = String(UInt16(bigEndian: checksum), radix: 16)
            fields["checksum"] = "0x" + String(repeating: "0", count: 4 - digits.count) + digits
        }
        return fields
    }

    private static let flagNames: KeyValuePairs<UInt32, String> = [
        FA_PATH_RESOLVED: "resolved", FA_PATH_TUNNEL_V4: "tunnel-v4", FA_PATH_TUNNEL_V6: "tunnel-v6",
        FA_PATH_GRE: "gre", FA_PATH_SEQUENCED: "sequenced", FA_PATH_PEER_FROM_HOST: "peer-from-host",
        FA_PATH_MAC_FROM_HOST: "mac-from-host", FA_PATH_COPY_DSCP: "copy-dscp", FA_PATH_DROP: "drop",
        FA_PATH_KERNEL: "kernel", FA_PATH_MAC_KEEP: "mac-keep",
    ]
}

import FlowAnchorABI

/// `fa_hosts_extra`: what goes beside each slot of the host table, by the address that is in the slot.
struct HostExtrasView: MapView {
    let maps: SharedMaps

    func scan(_ body: (HostSlot) -> Bool) { HostSlot.scan(maps, body) }

    func matcher(_ key: String) throws(DataPlaneError) -> (HostSlot) -> Bool {
        let (address, realm) = try KeyText.host(key)
        return { $0.key.address == address && (realm == nil || $0.key.realm == realm) }
    }

    func entry(_ slot: HostSlot) -> MapEntry {
        var fields = slot.extra.fields
        fields["slot"] = "\(slot.index)"
        fields["shadow-in-force"] = "\(slot.isShadowed)"
        return MapEntry(key: KeyText.host(slot.key), fields: fields)
    }
}

extension fa_host_extra {
    var fields: [String: String] {
        var fields = ["transmit-sequence": "\(transmit_sequence)"]
        let isReceived = receive_sequence >> 32 & 1 != 0
        fields["receive-sequence"] = isReceived ? "\(UInt32(truncatingIfNeeded: receive_sequence))" : "none"
        if neighbour_path != 0 {
            fields.merge(neighbour.fields) { _, other in other }
            fields["path"] = "\(neighbour_path)"
        }
        // What the entry's last change left there, while that change is not going on.
        if shadow.flags != 0 { for (name, value) in shadow.fields { fields["shadow-" + name] = value } }
        return fields
    }
}

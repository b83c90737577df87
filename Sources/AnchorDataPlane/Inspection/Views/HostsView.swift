import FlowAnchorABI
import NetworkTypes

/// `fa_hosts`: the slots in use, by address.
struct HostsView: MapView {
    let maps: SharedMaps
    let clock: TickClock
    let now: UInt32

    func scan(_ body: (HostSlot) -> Bool) { HostSlot.scan(maps, body) }

    func matcher(_ key: String) throws(DataPlaneError) -> (HostSlot) -> Bool {
        let (address, realm) = try KeyText.host(key)
        return { $0.key.address == address && (realm == nil || $0.key.realm == realm) }
    }

    func entry(_ slot: HostSlot) -> MapEntry {
        let idle = clock.age(of: slot.host.last_seen, at: now)
        return MapEntry(key: KeyText.host(slot.key), fields: slot.value.fields(beside: slot.extra, idle: idle))
    }
}

/// A slot of the host table and what goes beside it, as one entry.
struct HostSlot {
    var index: Int
    var isShadowed: Bool
    var host: fa_host
    var extra: fa_host_extra

    var key: HostKey { HostKey(host.address.address, realm: host.realm) }
    /// What packets do, at this moment.
    var value: fa_host_value { isShadowed ? extra.shadow : host.value }

    static func scan(_ maps: SharedMaps, _ body: (HostSlot) -> Bool) {
        let extras = maps.extras.base.assumingMemoryBound(to: fa_host_extra.self)
        let table = SlotTable<HostLayout>(
            slots: maps.hosts.base, capacity: maps.hosts.count, state: maps.hostState.base)
        table.visit(
            { slot, index, word in
                HostSlot(index: index, isShadowed: word.state == .shadowed, host: slot.pointee, extra: extras[index])
            }, body)
    }
}

extension fa_host_value {
    /// - Parameters:
    ///   - extra: has the station of a host that is attached and tunnelled at once.
    ///   - idle: since its last packet.
    func fields(beside extra: fa_host_extra, idle: Duration) -> [String: String] {
        var fields = fields
        if has(FA_HOST_ATTACHED), has(FA_HOST_TUNNELLED) {
            fields.merge(extra.neighbour.fields) { _, other in other }
        }
        fields["idle"] = FieldText.seconds(idle)
        return fields
    }

    var fields: [String: String] {
        var fields = [
            has(FA_HOST_UNAWARE) ? "epoch" : "node": "\(node)", "chain": "\(chain)", "path": "\(path)",
            "flags": FieldText.flags(UInt32(flags), Self.flagNames),
        ]
        if has(FA_HOST_UNAWARE), !has(FA_HOST_GRE), previous != 0 { fields["previous"] = "\(previous - 1)" }
        if has(FA_HOST_TUNNELLED) {
            fields["peer"] = "\(peer.address)"
            fields["tunnel"] = tunnel
        } else if has(FA_HOST_ATTACHED) {
            fields.merge(neighbour.fields) { _, other in other }
        }
        return fields
    }

    private var tunnel: String {
        guard has(FA_HOST_GRE) else { return "ipip" }
        return "gre key \(UInt32(bigEndian: tunnel_key_be))" + (has(FA_HOST_SEQUENCED) ? " sequenced" : "")
    }

    private static let flagNames: KeyValuePairs<UInt32, String> = [
        FA_HOST_ATTACHED: "attached", FA_HOST_TUNNELLED: "tunnelled", FA_HOST_GRE: "gre",
        FA_HOST_SEQUENCED: "sequenced", FA_HOST_BICAST: "bicast", FA_HOST_REFUSED: "refused", FA_HOST_OWN: "own",
        FA_HOST_UNAWARE: "unaware", FA_HOST_ASKED: "asked", FA_HOST_CLAIMED: "claimed",
        FA_HOST_PREFER_TUNNEL: "prefer-tunnel",
    ]
}

extension fa_neighbour {
    var fields: [String: String] {
        var fields = ["mac": "\(MACAddress(mac))", "port": "\(port)"]
        if vlan != 0 { fields["vlan"] = "\(vlan)" }
        if anchors != 0 {
            fields["anchors"] = (0..<32).filter { anchors >> $0 & 1 != 0 }.map(String.init).joined(separator: " ")
        }
        return fields
    }
}

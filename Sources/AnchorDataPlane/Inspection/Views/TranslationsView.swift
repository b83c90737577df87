import FlowAnchorABI
import NetworkTypes

/// `fa_translations`: flows in both directions, flows that began elsewhere, mappings and filters, by their keys.
struct TranslationsView: MapView {
    let nat: NATTable
    let clock: TickClock
    let now: UInt32

    func scan(_ body: (fa_translation) -> Bool) { nat.memory.translations.visit({ slot, _, _ in slot.pointee }, body) }

    func matcher(_ key: String) throws(DataPlaneError) -> (fa_translation) -> Bool {
        let wanted = try KeyText.translation(key)
        return { wanted($0.key) }
    }

    func entry(_ slot: fa_translation) -> MapEntry {
        var fields = slot.fields
        fields["idle"] = FieldText.seconds(clock.age(of: slot.last_seen, at: now))
        return MapEntry(key: KeyText.translation(slot.key), fields: fields)
    }
}

extension fa_translation {
    /// All but the time, which is relative to a clock.
    var fields: [String: String] {
        let kind = UInt32(key.kind)
        var fields = ["kind": NATKind.names[kind] ?? "\(kind)"]
        if kind != FA_NAT_FILTER, kind != FA_NAT_AWAY {
            fields["writes"] = "\(IPAddress(v4: UInt32(bigEndian: address_be))):\(UInt16(bigEndian: port_be))"
        }
        switch kind {
        case FA_NAT_UP:
            fields.merge(["twin": "\(twin)", "mapping": "\(mapping)", "subscriber": "\(subscriber)"]) { $1 }
            fields["seen"] = FieldText.flags(seen, NATKind.seenNames)
        case FA_NAT_DOWN:
            fields.merge(["twin": "\(twin)", "mapping": "\(mapping)"]) { $1 }
            fields["filter"] = filter == 0 ? "none" : "\(filter - 1)"
            fields["seen"] = FieldText.flags(seen, NATKind.seenNames)
        case FA_NAT_AWAY:
            fields.merge(["router": "\(router)", "subscriber": "\(subscriber)"]) { $1 }
            fields["seen"] = FieldText.flags(seen, NATKind.seenNames)
        default:
            fields["users"] = users & FA_NAT_GONE != 0 ? "\(users & ~FA_NAT_GONE) gone" : "\(users)"
            fields["subscriber"] = "\(subscriber)"
            if kind == FA_NAT_FILTER { fields["mapping"] = "\(mapping)" }
        }
        return fields
    }
}

extension NATKind {
    static let names: [UInt32: String] = [
        FA_NAT_UP: "up", FA_NAT_DOWN: "down", FA_NAT_MAPPING: "mapping", FA_NAT_FILTER: "filter",
        FA_NAT_AWAY: "away",
    ]

    static let seenNames: KeyValuePairs<UInt32, String> = [
        FA_NAT_SEEN: "packet", FA_NAT_SYN: "syn", FA_NAT_FIN: "fin", FA_NAT_RST: "rst",
    ]
}

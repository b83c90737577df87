import FlowAnchorABI

/// `fa_config`: one entry. The secret of the tables' hash is not shown.
struct ConfigurationView: MapView {
    let maps: SharedMaps

    func scan(_ body: (fa_config) -> Bool) { _ = body(maps.config[0]) }

    func matcher(_ key: String) throws(DataPlaneError) -> (fa_config) -> Bool {
        try KeyText.only(key)
        return { _ in true }
    }

    func entry(_ config: fa_config) -> MapEntry { MapEntry(key: KeyText.single, fields: config.fields) }
}

extension fa_config {
    var fields: [String: String] {
        let configuration = DataPlaneConfiguration(self)
        return [
            "abi": "\(abi)",
            "flags": FieldText.flags(
                flags,
                [
                    FA_CONFIG_ROUTE_BY_KERNEL: "route-by-kernel",
                    FA_CONFIG_UNKNOWN_SOURCE_PASSES: "unknown-source-passes",
                    FA_CONFIG_DECREMENT_TTL: "decrement-ttl",
                ]),
            "hash-secret": "hidden",
            "host-buckets": "\(UInt64(host_mask) + 1)",
            // A router has no flow table.
            "flow-buckets": flow_mask == 0 ? "none" : "\(UInt64(flow_mask) + 1)",
            "mss-v4": mss_v4 == 0 ? "none" : FieldText.bytes(mss_v4),
            "mss-v6": mss_v6 == 0 ? "none" : FieldText.bytes(mss_v6),
            "plain-v4": PlainDestinations(words: plain_v4).description,
            "default-v4": "\(default_path_v4)", "default-v6": "\(default_path_v6)",
            "routers": router_count == 0 ? "none" : "0 to \(router_count - 1)",
            "endpoints": configuration.endpoints.map(\.description).joined(separator: " "),
            "pools": configuration.pools.map(\.description).joined(separator: " "),
            "unaware": configuration.unaware.map(\.description).sorted().joined(separator: " "),
            "translation-buckets": "\(UInt64(translation_mask) + 1)",
            "subscriber-buckets": "\(UInt64(subscriber_mask) + 1)",
            "inside": configuration.inside.map(\.description).joined(separator: " "),
            "exempt": configuration.exempt.map(\.description).joined(separator: " "),
            "outside": configuration.outside.map { "\($0)=\($0.index)" }.joined(separator: " "),
            "routes": configuration.routes.map { "\($0.prefix)→\($0.path)" }.joined(separator: " "),
        ]
    }
}

import FlowAnchorABI

/// `fa_hosts_state`, `fa_peers_state`, `fa_translations_state`, `fa_subscribers_state` and `fa_flows_state`: what is known of a table while it runs.
struct TableStateView: MapView {
    let state: fa_table_state

    func scan(_ body: (fa_table_state) -> Bool) { _ = body(state) }

    func matcher(_ key: String) throws(DataPlaneError) -> (fa_table_state) -> Bool {
        try KeyText.only(key)
        return { _ in true }
    }

    func entry(_ state: fa_table_state) -> MapEntry { MapEntry(key: KeyText.single, fields: state.fields) }
}

extension fa_table_state {
    var fields: [String: String] {
        [
            "live": "\(live)", "overflowed": "\(overflowed)", "spilled": "\(spilled)",
            "second-buckets": "\(second_bucket != 0)",
        ]
    }
}

import FlowAnchorABI
import NetworkTypes

/// `fa_flows`: a mobile node's flows, by five-tuple.
struct FlowsView: MapView {
    let table: FlowTable
    let clock: TickClock
    let now: UInt32

    func scan(_ body: (fa_flow) -> Bool) { table.visitSlots(body) }

    func matcher(_ key: String) throws(DataPlaneError) -> (fa_flow) -> Bool {
        let wanted = try KeyText.flow(key)
        return { FlowKey($0.key) == wanted }
    }

    func entry(_ flow: fa_flow) -> MapEntry {
        var fields = flow.fields
        fields["idle"] = FieldText.seconds(clock.age(of: flow.last_seen, at: now))
        fields["age"] = FieldText.seconds(clock.age(of: flow.first_seen, at: now))
        return MapEntry(key: KeyText.flow(FlowKey(flow.key)), fields: fields)
    }
}

extension fa_flow {
    /// All but the times, which are relative to a clock.
    var fields: [String: String] {
        let key = FlowKey(key)
        let anchor = anchor.address
        return [
            "transport": KeyText.transport(key.transport),
            "local": "\(key.local)", "local-port": "\(key.localPort)",
            "remote": "\(key.remote)", "remote-port": "\(key.remotePort)",
            "anchor": anchor.isUnspecified ? "none" : "\(anchor)",
            "seen": FieldText.flags(seen, Self.seenNames),
            "packets-up": "\(packets_up)", "bytes-up": FieldText.bytes(bytes_up),
            "packets-down": "\(packets_down)", "bytes-down": FieldText.bytes(bytes_down),
        ]
    }

    private static let seenNames: KeyValuePairs<UInt32, String> = [
        FA_FLOW_UP: "up", FA_FLOW_DOWN: "down", FA_FLOW_SYN_UP: "syn-up", FA_FLOW_SYN_DOWN: "syn-down",
        FA_FLOW_FIN_UP: "fin-up", FA_FLOW_FIN_DOWN: "fin-down", FA_FLOW_RST: "rst", FA_FLOW_FRAGMENTED: "fragmented",
    ]
}

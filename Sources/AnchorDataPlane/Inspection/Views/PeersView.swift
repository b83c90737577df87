import FlowAnchorABI

/// `fa_peers`: the far ends of tunnels, by address.
struct PeersView: MapView {
    let maps: SharedMaps

    func scan(_ body: (fa_peer) -> Bool) {
        let table = SlotTable<PeerLayout>(
            slots: maps.peers.base, capacity: maps.peers.count, state: maps.peerState.base)
        table.visit({ slot, _, _ in slot.pointee }, body)
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (fa_peer) -> Bool {
        let address = try KeyText.address(key)
        return { $0.address.address == address }
    }

    func entry(_ peer: fa_peer) -> MapEntry {
        var fields = ["users": "\(peer.users)"]
        if peer.router != 0 { fields["router"] = "\(peer.router - 1)" }
        return MapEntry(key: "\(peer.address.address)", fields: fields)
    }
}

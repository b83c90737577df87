import BPFKit
import FlowAnchorABI
import NetworkTypes

/// The far ends of tunnels, in the map `fa_peers`: only what names a drop's reason depends on it, so an
/// entry that finds no room is no error.
struct PeerTable {
    private var users: [IPAddress: UInt32] = [:]

    mutating func retain(_ peer: IPAddress, _ maps: SharedMaps) {
        if let count = users[peer] {
            users[peer] = count + 1
        } else {
            users[peer] = 1
            try? maps.peers.set(fa_address(peer), to: fa_peer(users: 1))
        }
    }

    mutating func release(_ peer: IPAddress, _ maps: SharedMaps) {
        guard let count = users[peer] else { return }
        if count > 1 {
            users[peer] = count - 1
        } else {
            users[peer] = nil
            _ = try? maps.peers.remove(fa_address(peer))
        }
    }
}

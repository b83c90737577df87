import CAtomics
import FlowAnchorABI
import NetworkTypes

/// The far ends of tunnels, in the table `fa_peers`. Only what names a drop's reason depends on it, so
/// a peer that finds no slot is no error.
struct PeerTable {
    private let table: SlotTable<PeerLayout>
    private let secret: HashSecret
    /// Nothing was ever removed: a peer is no further than the first free slot.
    private var isGapless: Bool

    /// - Parameter isNew: nobody had the maps before.
    init(_ maps: SharedMaps, isNew: Bool = false) {
        isGapless = isNew
        table = SlotTable(slots: maps.peers.base, capacity: maps.peers.count, state: maps.peerState.base)
        secret = HashSecret(maps)
    }

    /// Has the processor fetch the slots where the peer is or goes most likely.
    @inline(__always)
    func prefetch(_ peer: fa_address) { table.prefetch(secret.hash(peer)) }

    func retain(_ peer: fa_address) {
        let hash = secret.hash(peer)
        if isGapless {
            switch table.place(hash, peer) {
            case .found(let found): table.slots[found.index].users += 1
            case .claimed(let claim): publish(peer, claim)
            case .full: break
            }
            return
        }
        while true {
            if let found = table.find(hash, peer) {
                table.slots[found.index].users += 1
                return
            }
            switch table.claim(hash, peer) {
            case .claimed(let claim): return publish(peer, claim)
            case .exists, .contended: continue
            case .full: return
            }
        }
    }

    @inline(__always)
    private func publish(_ peer: fa_address, _ claim: SlotTable<PeerLayout>.Reference) {
        table.slots[claim.index].users = 1
        table.slots[claim.index].router = 0
        table.slots[claim.index].address = peer
        table.publish(claim)
    }

    mutating func release(_ peer: fa_address) {
        guard let found = table.find(secret.hash(peer), peer) else { return }
        let users = table.slots[found.index].users
        guard users <= 1 else {
            table.slots[found.index].users = users - 1
            return
        }
        isGapless = false
        _ = table.remove(found)
    }

    /// Says which router the peer is, its index plus one; 0 for none.
    /// - Returns: whether the peer is in the table.
    @discardableResult
    func setRouter(_ router: UInt32, at peer: fa_address) -> Bool {
        guard let found = table.find(secret.hash(peer), peer) else { return false }
        let place = UnsafeMutableRawPointer(table.slots + found.index) + MemoryLayout<fa_peer>.offset(of: \.router)!
        ca_store_release_u32(place, router)
        return true
    }

    /// Peers that are no router's by what `isRight` tells of theirs are none from here on.
    func checkRouters(_ isRight: (UInt32, fa_address) -> Bool) {
        for index in 0..<table.capacity where table.word(index).isInUse {
            let peer = table.slots[index]
            if peer.router != 0, !isRight(peer.router, peer.address) { setRouter(0, at: peer.address) }
        }
    }

    /// Takes all peers for unused, until each has been retained by those that use it.
    func beginCount() {
        for index in 0..<table.capacity where table.word(index).isInUse { table.slots[index].users = 0 }
    }

    /// Removes the peers that nobody has retained.
    mutating func endCount() {
        isGapless = false
        for index in 0..<table.capacity {
            let word = table.word(index)
            if word.isInUse, table.slots[index].users == 0 { _ = table.remove(.init(index: index, word: word)) }
        }
    }

    /// Mends what a killed writer has left.
    mutating func repair(isQuiet: () -> Void) {
        isGapless = false
        _ = table.repair(isQuiet: isQuiet, restore: { _ in })
    }
}

enum PeerLayout: SlotLayout {
    @inline(__always)
    static func equals(_ slot: UnsafePointer<fa_peer>, _ key: fa_address) -> Bool {
        slot.pointee.address.halves_be == key.halves_be
    }
}

/// The secret under which addresses are hashed, where programs have it too.
struct HashSecret {
    private let words: UnsafePointer<UInt64>

    init(_ maps: SharedMaps) {
        let offset = MemoryLayout<fa_config>.offset(of: \.hash_secret)!
        words = UnsafePointer((maps.config.base + offset).assumingMemoryBound(to: UInt64.self))
    }

    @inline(__always)
    func hash(_ address: fa_address, realm: UInt32 = 0) -> UInt64 {
        fa_hash_address(words, address.halves_be.0, address.halves_be.1, realm)
    }
}

/// Which of two connections of a pair stays. Both ends come to the same answer, each from what it knows.
enum PairRule {
    struct Connection: Hashable {
        /// By this router; else by the peer.
        var isOpenedHere: Bool
        /// The peer's, in its hello.
        var boot: UInt64
    }

    /// - Returns: true if the new one takes the place of the one that is there.
    static func newStays(_ new: Connection, insteadOf old: Connection, own: String, peer: String) -> Bool {
        // The peer has started anew: nobody is at the other end of the old one any more.
        if new.boot != old.boot { return true }
        // Who opens a second one has given the first one up.
        if new.isOpenedHere == old.isOpenedHere { return true }
        // Both have opened one at the same time: that of the router whose name sorts first, byte by byte.
        return new.isOpenedHere == own.utf8.lexicographicallyPrecedes(peer.utf8)
    }
}

import AnchorCore
import NetworkTypes

/// What ICMP errors taught about the size of packets on the way to each anchor (RFC 1191, RFC 8201), outer headers
/// included. Forgotten after a while, since the way may have become wider.
struct TunnelMTUs {
    /// RFC 1191, section 6.3.
    static let lifetime = TimeSpan.seconds(600)

    private var learnt: [IPAddress: (mtu: UInt16, until: MonotonicInstant)] = [:]

    subscript(anchor: IPAddress) -> UInt16? { learnt[anchor]?.mtu }

    /// Takes an error into account.
    /// - Parameter isOurs: whether this node has a tunnel between those ends for packets of that own address: everybody
    ///   else's word counts for nothing (T10).
    /// - Returns: the anchor, if packets to it have to be smaller from now on.
    mutating func learn(
        _ error: TunnelError, at now: MonotonicInstant,
        isOurs: (_ own: IPAddress, _ careOf: IPAddress, IPAddress) -> Bool
    ) -> IPAddress? {
        guard case .tooBig(let reported) = error.cause, isOurs(error.inner.source, error.endpoint, error.peer) else {
            return nil
        }
        // What is in the tunnel has a right to the smallest MTU of its own family.
        let smallest = max(
            error.peer.family.smallestMTU, error.inner.source.family.smallestMTU + error.overhead)
        let mtu = UInt16(clamping: max(reported, smallest))
        if let known = learnt[error.peer], known.mtu <= mtu { return nil }
        learnt[error.peer] = (mtu, now + Self.lifetime)
        return error.peer
    }

    /// - Returns: the anchors of which nothing is known any more.
    mutating func expire(at now: MonotonicInstant) -> [IPAddress] {
        let expired = learnt.filter { $0.value.until <= now }.keys.sorted()
        for anchor in expired { learnt[anchor] = nil }
        return expired
    }
}

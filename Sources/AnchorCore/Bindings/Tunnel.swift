import NetworkTypes

/// A tunnel between an anchor and a care-of address, seen from one end. Both addresses are of one family, which
/// need not be that of the packets inside.
public struct Tunnel: Hashable, Sendable, Codable {
    /// This end: the anchor's endpoint (router), the care-of address (mobile node).
    public var local: IPAddress
    /// The other end.
    public var peer: IPAddress
    public var kind: TunnelKind

    public init(local: IPAddress, peer: IPAddress, kind: TunnelKind) {
        self.local = local
        self.peer = peer
        self.kind = kind
    }
}

/// How packets are encapsulated.
public enum TunnelKind: Hashable, Sendable, Codable {
    /// RFC 2003, RFC 2473.
    case ipInIP
    /// RFC 2890. With `sequenced` an older packet is never delivered after a newer one [0054].
    case gre(key: UInt32, sequenced: Bool)
}

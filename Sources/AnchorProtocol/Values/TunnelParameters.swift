/// How the packets between an anchor and a care-of address are encapsulated: the tunnel option.
public enum TunnelParameters: Hashable, Sendable {
    /// IP-in-IP (RFC 2003, RFC 2473), the families mixed as the addresses say.
    case ipInIP
    /// GRE with a key (RFC 2890). `sequenced`: with sequence numbers, and a packet that is older than one already
    /// delivered is dropped [0054].
    case gre(key: UInt32, sequenced: Bool)
}

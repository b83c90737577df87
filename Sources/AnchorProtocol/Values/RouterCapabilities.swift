/// What a router can do for a node: the bits of the capabilities option.
public struct RouterCapabilities: OptionSet, Hashable, Sendable {
    public var rawValue: UInt32

    public init(rawValue: UInt32) { self.rawValue = rawValue }

    /// Leases IPv4 addresses.
    public static let v4 = RouterCapabilities(rawValue: 1 << 0)
    /// Leases IPv6 addresses.
    public static let v6 = RouterCapabilities(rawValue: 1 << 1)
    /// IP-in-IP tunnels (RFC 2003, RFC 2473).
    public static let ipInIP = RouterCapabilities(rawValue: 1 << 2)
    /// GRE tunnels with a key (RFC 2890).
    public static let gre = RouterCapabilities(rawValue: 1 << 3)
    /// GRE with sequence numbers, older packets dropped [0054].
    public static let greSequence = RouterCapabilities(rawValue: 1 << 4)
    /// Both attachments of a node in use at once [0052].
    public static let bothInUse = RouterCapabilities(rawValue: 1 << 5)
}

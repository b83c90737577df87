import NetworkTypes

/// An address that a mobile node configures on an interface: always a whole-length prefix (/32, /128), without an
/// on-link route and without duplicate address detection, so that it is in use at once. Everything else on the link is
/// reached through the gateway.
public struct OwnAddress: Hashable, Sendable {
    public var address: IPAddress
    public var interface: InterfaceID
    /// False for an address that only old flows still use (deprecated, RFC 4862: preferred lifetime 0).
    public var preferred: Bool

    public init(address: IPAddress, interface: InterfaceID, preferred: Bool) {
        self.address = address
        self.interface = interface
        self.preferred = preferred
    }
}

/// The default route of a family; it replaces the one before. The gateway is on the link though no prefix says so
/// ("onlink").
public struct DefaultRoute: Hashable, Sendable {
    public var gateway: IPAddress
    public var interface: InterfaceID
    /// The source of new sockets.
    public var source: IPAddress
    /// Bytes of an IP packet that fit the path through this attachment.
    public var mtu: UInt16

    public init(gateway: IPAddress, interface: InterfaceID, source: IPAddress, mtu: UInt16) {
        self.gateway = gateway
        self.interface = interface
        self.source = source
        self.mtu = mtu
    }
}

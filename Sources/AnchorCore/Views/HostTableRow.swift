import NetworkTypes

/// A row of an access router's host table in the form of Figure 4.
public struct HostTableRow: Hashable, Sendable {
    /// oMN.
    public var address: IPAddress
    public var node: UInt64
    public var location: HostLocation
    /// Until when it lives without a refresh.
    public var expires: MonotonicInstant
    public var lastSeen: MonotonicInstant?

    public init(
        address: IPAddress, node: UInt64, location: HostLocation, expires: MonotonicInstant,
        lastSeen: MonotonicInstant?
    ) {
        self.address = address
        self.node = node
        self.location = location
        self.expires = expires
        self.lastSeen = lastSeen
    }

    /// nMN: the address at the current location, `nil` while attached here only.
    public var careOfAddress: IPAddress? { location.tunnel?.peer }
}

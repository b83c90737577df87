import NetworkTypes

/// A host that routers share, as they name it to one another [0088].
public struct RoamingHost: Hashable, Sendable {
    public var address: IPAddress
    /// Tells equal addresses apart; 0 where there are none.
    public var realm: UInt32

    public init(_ address: IPAddress, realm: UInt32 = 0) {
        self.address = address
        self.realm = realm
    }
}

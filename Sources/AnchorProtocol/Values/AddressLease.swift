import NetworkTypes

/// An address that a router lends to a node: one lease option of an attach reply.
public struct AddressLease: Hashable, Sendable {
    public var address: IPAddress
    /// The node's next hop, of the family of the address.
    public var gateway: IPAddress
    /// Bits of the pool that the address is from: 0–32 or 0–128. The node configures the address alone (/32, /128).
    public var prefixLength: UInt8
    /// Seconds until the lease ends unless it is refreshed.
    public var lifetime: UInt32

    public init(address: IPAddress, gateway: IPAddress, prefixLength: UInt8, lifetime: UInt32) {
        self.address = address
        self.gateway = gateway
        self.prefixLength = prefixLength
        self.lifetime = lifetime
    }
}

import NetworkTypes

/// What a mobile node does with packets from and to one of its own addresses.
public struct AnchorBinding: Hashable, Sendable {
    /// The own address.
    public var address: IPAddress
    /// oA: the endpoint of the router that anchors the flows of the address, of the address's own family where the
    /// router has one. For display and for the flow table's column oAR.
    public var anchor: IPAddress
    /// All endpoints of the anchor. Packets of the address are accepted in tunnels from them whatever the path is: the
    /// anchor learns of a move before the node hears that it did.
    public var endpoints: [IPAddress]
    public var path: AnchorPath

    public init(address: IPAddress, anchor: IPAddress, endpoints: [IPAddress], path: AnchorPath) {
        self.address = address
        self.anchor = anchor
        self.endpoints = endpoints
        self.path = path
    }
}

/// The way between a mobile node and the anchor of an address.
public enum AnchorPath: Hashable, Sendable {
    /// Attached to the anchor itself: plain packets on that interface.
    case direct(InterfaceID)
    /// Attached elsewhere: encapsulated [0046]. `tunnel.local` is the care-of address on the interface.
    case tunnelled(Tunnel, InterfaceID)
    /// Both at once [0052]. Either is accepted on receipt; with `bicast` copies are sent on both, otherwise packets
    /// go `direct`.
    case both(direct: InterfaceID, Tunnel, InterfaceID, bicast: Bool)
    /// Nowhere to go for now: packets wait for a new attachment or are lost.
    case unreachable
}

import NetworkTypes

/// What an access router does with the packets of one host address: one row of the host table [0036]. It replaces
/// whatever the data plane held for the address, in one step.
public struct HostBinding: Hashable, Sendable {
    /// oMN: the address that this router assigned.
    public var address: IPAddress
    /// The node that owns it.
    public var node: UInt64
    public var location: HostLocation
    /// A former care-of address from which packets in flight are still accepted (not sent to). A binding without it
    /// follows when the grace is over.
    public var alsoAcceptedFrom: IPAddress?
    /// Name of the server chain that its flows pass; `nil` for none.
    public var chain: String?
    /// Let in by its first packet, see ``UnawareHosts``.
    public var isUnaware: Bool

    public init(
        address: IPAddress, node: UInt64, location: HostLocation, alsoAcceptedFrom: IPAddress? = nil,
        chain: String? = nil, isUnaware: Bool = false
    ) {
        self.address = address
        self.node = node
        self.location = location
        self.alsoAcceptedFrom = alsoAcceptedFrom
        self.chain = chain
        self.isUnaware = isUnaware
    }
}

/// Where a host is.
public enum HostLocation: Hashable, Sendable, Codable {
    /// On one of this router's access links.
    case attached(Neighbour)
    /// Elsewhere, behind a tunnel to its care-of address.
    case tunnelled(Tunnel)
    /// Attached here and elsewhere at once [0052]; with `bicast` packets go both ways.
    case both(Neighbour, Tunnel, bicast: Bool)

    public var neighbour: Neighbour? {
        switch self {
        case .attached(let neighbour), .both(let neighbour, _, _): neighbour
        case .tunnelled: nil
        }
    }

    public var tunnel: Tunnel? {
        switch self {
        case .tunnelled(let tunnel), .both(_, let tunnel, _): tunnel
        case .attached: nil
        }
    }
}

/// A node on an access link.
public struct Neighbour: Hashable, Sendable, Codable {
    public var mac: MACAddress
    public var interface: InterfaceID

    public init(mac: MACAddress, interface: InterfaceID) {
        self.mac = mac
        self.interface = interface
    }
}

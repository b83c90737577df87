import NetworkTypes

/// What names a host in the host table [0036]: its address and, where equal addresses overlap, a realm.
public struct HostKey: Hashable, Sendable {
    public var address: IPAddress
    /// Tells equal addresses apart [0088]; 0 where there are none.
    public var realm: UInt32

    public init(_ address: IPAddress, realm: UInt32 = 0) {
        self.address = address
        self.realm = realm
    }
}

/// An entry of the host table: where a host is and how its packets go there.
public struct HostEntry: Hashable, Sendable {
    public var key: HostKey
    /// Number of the mobile node that owns the address. Of a host that is unaware, which no node has told of: the epoch
    /// of its location, one more at each move from router to router.
    public var node: UInt32
    /// On one of this router's access links.
    public var attachment: HostAttachment?
    /// Elsewhere, through a tunnel. Together with `attachment`: both are in use [0052].
    public var tunnel: HostTunnel?
    /// While both are in use: copies go both ways, and the second one to come is dropped.
    public var isBicast: Bool
    /// While both are in use and no copies are sent: packets to it go through the tunnel, not to the attachment.
    public var prefersTunnel: Bool
    /// The servers that its packets pass; 0 for none.
    public var chain: ChainIndex
    /// Its server is down and its packets may not pass without: drop them.
    public var isRefused: Bool
    /// Let in by its first packet: it knows nothing of this router, and has no keys [0077].
    public var isUnaware: Bool
    /// Unaware and attached here: routers whose tunnelled packets are taken for it, a bit for each by its index, see
    /// ``KernelDataPlane/setRouter(_:_:)``: those where flows of it began, and the one that it was at before [0083].
    /// Of a host that is not attached it is not kept: there is no room for it beside the tunnel.
    public var anchors: UInt32
    /// Unaware: the router that packets go to whose flow is not known here, its index plus one; 0: they begin a flow
    /// here. Not together with GRE, whose key has its place.
    public var previous: UInt32
    /// Unaware and gone: where it is now not all of its flows are known yet, and packets of flows that are not known
    /// here either are sent back, to begin there [0083].
    public var isAsked: Bool
    /// Unaware and attached: where it was before is not known yet, and its packets are handed to the daemon.
    public var isClaimed: Bool
    /// Unaware and attached: its packets go by way of the daemon as long as others of it are there that have to go first,
    /// see ``KernelDataPlane/letDrain()``.
    public var isDraining: Bool
    /// Mobile node only: one of this node's own addresses, with its anchor at `tunnel.peer`.
    public var isOwn: Bool

    public init(
        key: HostKey, node: UInt32, attachment: HostAttachment? = nil, tunnel: HostTunnel? = nil,
        isBicast: Bool = false, prefersTunnel: Bool = false, chain: ChainIndex = 0, isRefused: Bool = false,
        isUnaware: Bool = false, anchors: UInt32 = 0, previous: UInt32 = 0, isAsked: Bool = false,
        isClaimed: Bool = false, isDraining: Bool = false, isOwn: Bool = false
    ) {
        self.key = key
        self.node = node
        self.attachment = attachment
        self.tunnel = tunnel
        self.isBicast = isBicast
        self.prefersTunnel = prefersTunnel
        self.chain = chain
        self.isRefused = isRefused
        self.isUnaware = isUnaware
        self.anchors = anchors
        self.previous = previous
        self.isAsked = isAsked
        self.isClaimed = isClaimed
        self.isDraining = isDraining
        self.isOwn = isOwn
    }
}

/// A host's station on an access link.
public struct HostAttachment: Hashable, Sendable {
    public var mac: MACAddress
    /// 802.1Q VLAN identifier, 0 for none.
    public var vlan: UInt16
    /// The access interface.
    public var port: PortIndex

    public init(mac: MACAddress, vlan: UInt16 = 0, port: PortIndex) {
        self.mac = mac
        self.vlan = vlan
        self.port = port
    }
}

/// A tunnel to where a host is now.
public struct HostTunnel: Hashable, Sendable {
    /// The tunnel's other end: the care-of address, or at a mobile node the anchor's endpoint.
    public var peer: IPAddress
    public var kind: TunnelKind
    /// Gives the outer header and the next hop towards `peer`, see ``DataPlane/path(for:)``.
    public var path: PathIndex

    public init(peer: IPAddress, kind: TunnelKind, path: PathIndex) {
        self.peer = peer
        self.kind = kind
        self.path = path
    }
}

/// How packets are put into a tunnel.
public enum TunnelKind: Hashable, Sendable {
    /// IP-in-IP (RFC 2003, RFC 2473).
    case ipip
    /// GRE with a key (RFC 2890); sequenced: with sequence numbers, older packets dropped [0054].
    case gre(key: UInt32, sequenced: Bool)
}

/// Index of a path, a server chain or a port in their tables. 0 is no path and no chain.
public typealias PathIndex = UInt32
public typealias ChainIndex = UInt16
public typealias PortIndex = UInt32

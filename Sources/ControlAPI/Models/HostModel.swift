import NetworkTypes

/// A row of an access router's host table [0036].
public struct HostModel: Hashable, Sendable, Codable {
    /// Where the host is.
    public enum Place: String, Sendable, Codable, CaseIterable {
        /// On one of this router's links.
        case attached
        /// Elsewhere, behind a tunnel.
        case tunnelled
        /// Both at once [0052].
        case both
    }

    /// oMN: the address that this router assigned.
    public var address: IPAddress
    /// The node that owns it.
    public var node: UInt64
    public var place: Place
    /// nMN: the address at its current location, while it is elsewhere.
    public var careOf: IPAddress?
    /// `ipip` or `gre`.
    public var tunnel: String?
    public var key: UInt32?
    public var sequenced: Bool?
    public var interface: String?
    public var mac: MACAddress?
    /// The server chain that its flows pass.
    public var chain: String?
    /// Of a host that knows nothing of this router: one more at each of its moves from router to router.
    public var epoch: UInt32?
    /// The neighbour that it is at.
    public var router: String?
    /// Neighbours where flows of it began.
    public var anchors: [String]?
    /// The neighbour that packets go to whose flow is not known here: the one that it was at before, as long as that
    /// has not sent all of its table; in IPv6 the one where its address began.
    public var previous: String?
    /// Since its last packet, in seconds.
    public var idle: Double?
    /// Until it ends without a refresh, in seconds; absent for a host that an operator made.
    public var expiresIn: Double?

    public init(
        address: IPAddress, node: UInt64, place: Place, careOf: IPAddress? = nil, tunnel: String? = nil,
        key: UInt32? = nil, sequenced: Bool? = nil, interface: String? = nil, mac: MACAddress? = nil,
        chain: String? = nil, idle: Double? = nil, expiresIn: Double? = nil
    ) {
        self.address = address
        self.node = node
        self.place = place
        self.careOf = careOf
        self.tunnel = tunnel
        self.key = key
        self.sequenced = sequenced
        self.interface = interface
        self.mac = mac
        self.chain = chain
        self.idle = idle
        self.expiresIn = expiresIn
    }
}

/// A host that an operator makes by hand: attached (`interface` and `mac`) or elsewhere (`careOf`).
public struct StaticHostModel: Hashable, Sendable, Codable {
    public var address: IPAddress
    public var interface: String?
    public var mac: MACAddress?
    public var careOf: IPAddress?
    /// GRE with this key in place of IP-in-IP.
    public var key: UInt32?
    public var sequenced: Bool?
    public var chain: String?

    public init(
        address: IPAddress, interface: String? = nil, mac: MACAddress? = nil, careOf: IPAddress? = nil,
        key: UInt32? = nil, sequenced: Bool? = nil, chain: String? = nil
    ) {
        self.address = address
        self.interface = interface
        self.mac = mac
        self.careOf = careOf
        self.key = key
        self.sequenced = sequenced
        self.chain = chain
    }
}

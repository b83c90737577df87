import NetworkTypes

/// What an access router is told at its start.
public struct AccessRouterConfiguration: Sendable {
    /// The router's own number in its messages.
    public var router: UInt64
    /// Grows at each start of the router; its user stores it before the first event.
    public var epoch: UInt32
    /// oA: tunnel endpoints, at most one a family is used.
    public var endpoints: [IPAddress]
    public var links: [AccessLink]
    public var nodes: [NodeAccount]
    /// How long a lease or binding lives without a refresh.
    public var leaseLifetime = TimeSpan.seconds(600)
    /// A binding elsewhere is removed when no packet was seen for so long, refreshed or not [0050].
    public var inactivity = TimeSpan.seconds(2 * 3600 + 240)
    /// How long packets in flight from a former care-of address are accepted after a move.
    public var grace = TimeSpan.seconds(1)
    /// How long a released address waits before another node gets it.
    public var quarantine = TimeSpan.seconds(60)
    /// Between two unsolicited advertisements on a link.
    public var advertisementInterval = TimeSpan.seconds(3)
    /// Smallest span between two answers to solicitations of one source.
    public var rateLimit = RateLimit(perSecond: 200, burst: 64)
    /// Both-in-use bindings send both copies [0052].
    public var bicast = true
    /// Bytes of an IP packet that fit the core.
    public var mtu: UInt16 = 1500
    /// Seed of the jitter of advertisements.
    public var randomSeed: UInt64 = 0

    public init(
        router: UInt64, epoch: UInt32, endpoints: [IPAddress], links: [AccessLink], nodes: [NodeAccount]
    ) {
        self.router = router
        self.epoch = epoch
        self.endpoints = endpoints
        self.links = links
        self.nodes = nodes
    }
}

/// An access link and the addresses that it hands out.
public struct AccessLink: Hashable, Sendable {
    public var interface: InterfaceID
    /// The router's own addresses on the link: the nodes' next hop, never handed out.
    public var gateways: [IPAddress]
    /// Blocks that addresses are leased from. Network and broadcast address of an IPv4 block and the first address of
    /// an IPv6 block are left out.
    public var pools: [IPPrefix]
    /// Name of the server chain of the addresses of this link, `nil` for none.
    public var chain: String?

    public init(interface: InterfaceID, gateways: [IPAddress], pools: [IPPrefix], chain: String? = nil) {
        self.interface = interface
        self.gateways = gateways
        self.pools = pools
        self.chain = chain
    }
}

/// A node that may attach.
public struct NodeAccount: Hashable, Sendable {
    public var id: UInt64
    /// Security parameters index of its key.
    public var spi: UInt32
    public var key: [UInt8]
    /// Host entries that it may have at this router at once.
    public var quota: Int

    public init(id: UInt64, spi: UInt32, key: [UInt8], quota: Int = 8) {
        self.id = id
        self.spi = spi
        self.key = key
        self.quota = quota
    }
}

/// A token bucket.
public struct RateLimit: Hashable, Sendable {
    public var perSecond: Int
    public var burst: Int

    public init(perSecond: Int, burst: Int) {
        self.perSecond = perSecond
        self.burst = burst
    }
}

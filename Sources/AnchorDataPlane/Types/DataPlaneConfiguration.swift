import FlowAnchorABI
import NetworkTypes

/// Settings that every packet may need. The hash secret and the tables' sizes are the data plane's own
/// and stay as they are.
public struct DataPlaneConfiguration: Hashable, Sendable {
    /// Tunnel endpoints of this machine, at most 4.
    public var endpoints: [IPAddress]
    /// Prefixes whose addresses may be hosts, at most 8.
    public var pools: [IPPrefix]
    /// IPv4 destinations that inside hosts go to with their own addresses, at most 4.
    public var exempt: [IPPrefix]
    /// Those of ``pools`` whose hosts need no lease: each is let in when its first packet comes [0077].
    public var unaware: Set<IPPrefix>
    /// Routes more specific than the default, at most 8; longest first whatever their order here.
    public var routes: [Route]
    /// Path towards the core, 0 for none.
    public var defaultPathV4: PathIndex
    public var defaultPathV6: PathIndex
    /// Largest TCP MSS let through in a SYN, in bytes, 0 for no clamping.
    public var maximumSegmentV4: UInt16
    public var maximumSegmentV6: UInt16
    /// There are more routes than these: ask the kernel.
    public var routesByKernel: Bool
    /// Unknown sources on access links go to the kernel rather than being dropped.
    public var unknownSourcePasses: Bool
    /// This machine is a router: TTL and hop limit are decremented.
    public var decrementsTTL: Bool
    /// IPv4 prefixes whose hosts are translated on their way to the core [0053], at most 4; none: no NAT.
    public var inside: [IPPrefix]
    /// Addresses that the core knows those hosts by, at most 8 ranges.
    public var outside: [OutsideRange]

    public struct Route: Hashable, Sendable {
        public var prefix: IPPrefix
        public var path: PathIndex

        public init(prefix: IPPrefix, path: PathIndex) {
            self.prefix = prefix
            self.path = path
        }
    }

    public init(
        endpoints: [IPAddress] = [], pools: [IPPrefix] = [], routes: [Route] = [], defaultPathV4: PathIndex = 0,
        defaultPathV6: PathIndex = 0, maximumSegmentV4: UInt16 = 0, maximumSegmentV6: UInt16 = 0,
        routesByKernel: Bool = false, unknownSourcePasses: Bool = false, decrementsTTL: Bool = true,
        inside: [IPPrefix] = [], outside: [OutsideRange] = [], exempt: [IPPrefix] = [], unaware: Set<IPPrefix> = []
    ) {
        self.endpoints = endpoints
        self.pools = pools
        self.routes = routes
        self.defaultPathV4 = defaultPathV4
        self.defaultPathV6 = defaultPathV6
        self.maximumSegmentV4 = maximumSegmentV4
        self.maximumSegmentV6 = maximumSegmentV6
        self.routesByKernel = routesByKernel
        self.unknownSourcePasses = unknownSourcePasses
        self.decrementsTTL = decrementsTTL
        self.inside = inside
        self.outside = outside
        self.exempt = exempt
        self.unaware = unaware
    }

    public static let endpointLimit = Int(FA_ENDPOINT_LIMIT)
    public static let poolLimit = Int(FA_POOL_LIMIT)
    public static let routeLimit = Int(FA_ROUTE_LIMIT)
    public static let insideLimit = Int(FA_INSIDE_LIMIT)
    public static let outsideLimit = Int(FA_OUTSIDE_LIMIT)
}

import CNetlink
import Glibc
import NetworkTypes

/// A route with one next hop.
public struct Route: Hashable, Sendable {
    public var destination: IPPrefix
    /// Next hop; `nil` where the destination is on the link. An IPv4 route may go by an IPv6 gateway (RFC 8950's
    /// forwarding), which is then found by neighbour discovery.
    public var gateway: IPAddress?
    public var interface: InterfaceIndex?
    /// The source address of packets whose sender leaves the choice to the kernel (`src`).
    public var source: IPAddress?
    /// Smaller is better; IPv6 takes 0 for 1024.
    public var metric: UInt32
    public var table: RoutingTable
    /// Largest IP packet in bytes along the route, smaller than the interface's.
    public var mtu: Int?
    /// `nil` lets the kernel's custom decide: link without a gateway, universe with one.
    public var scope: RouteScope?
    public var origin: Origin
    public var kind: Kind
    /// The gateway is on the link, although no prefix of the interface says so.
    public var isOnLink: Bool

    public init(
        to destination: IPPrefix, gateway: IPAddress? = nil, interface: InterfaceIndex? = nil, source: IPAddress? = nil,
        metric: UInt32 = 0, table: RoutingTable = .main, mtu: Int? = nil, scope: RouteScope? = nil,
        origin: Origin = .flowAnchor, kind: Kind = .unicast, isOnLink: Bool = false
    ) {
        self.destination = destination
        self.gateway = gateway
        self.interface = interface
        self.source = source
        self.metric = metric
        self.table = table
        self.mtu = mtu
        self.scope = scope
        self.origin = origin
        self.kind = kind
        self.isOnLink = isOnLink
    }

    /// rtm_protocol: who made the route.
    public struct Origin: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let kernel = Origin(rawValue: 2)
        public static let boot = Origin(rawValue: 3)
        /// An administrator.
        public static let fixed = Origin(rawValue: 4)
        /// A router advertisement.
        public static let advertisement = Origin(rawValue: 9)
        /// This project's daemon, so that it finds its own routes again after a restart.
        public static let flowAnchor = Origin(rawValue: 0xfa)
    }

    /// rtm_type: what happens to the packet.
    public struct Kind: RawRepresentable, Hashable, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let unicast = Kind(rawValue: 1)
        public static let local = Kind(rawValue: 2)
        public static let broadcast = Kind(rawValue: 3)
        public static let anycast = Kind(rawValue: 4)
        public static let multicast = Kind(rawValue: 5)
        public static let blackhole = Kind(rawValue: 6)
        public static let unreachable = Kind(rawValue: 7)
        public static let prohibit = Kind(rawValue: 8)
    }
}

/// A routing table, by number.
public struct RoutingTable: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt32
    public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let unspecified = RoutingTable(rawValue: 0)
    public static let `default` = RoutingTable(rawValue: 253)
    public static let main = RoutingTable(rawValue: 254)
    public static let local = RoutingTable(rawValue: 255)
}

extension Route: CustomStringConvertible {
    public var description: String {
        var text = "\(destination)"
        if let gateway { text += " via \(gateway)" }
        if let interface { text += " on interface \(interface)" }
        if let source { text += " src \(source)" }
        if metric != 0 { text += " metric \(metric)" }
        return table == .main ? text : text + " table \(table.rawValue)"
    }
}

extension Route {
    /// - Parameter route: a `struct rtnl_route`. `nil` for multicast forwarding entries and other families.
    init?(libnl route: OpaquePointer) {
        guard let family = AddressFamily(number: Int32(rtnl_route_get_family(route))),
            let destination = IPPrefix(libnl: rtnl_route_get_dst(route), family: family)
        else { return nil }
        // Several next hops share one route's load; the project's flows need one known way, so such a route is shown
        // without next hop, which a caller that needs one then reports as unresolved.
        let hop = rtnl_route_get_nnexthops(route) == 1 ? rtnl_route_nexthop_n(route, 0) : nil
        var mtu: UInt32 = 0
        let hasMTU = rtnl_route_get_metric(route, Int32(RTAX_MTU), &mtu) == 0 && mtu > 0
        let interface = hop.map { rtnl_route_nh_get_ifindex($0) } ?? 0
        self.init(
            to: destination,
            gateway: hop.flatMap { IPAddress(libnl: rtnl_route_nh_get_gateway($0) ?? rtnl_route_nh_get_via($0)) },
            interface: interface > 0 ? InterfaceIndex(interface) : nil,
            source: IPAddress(libnl: rtnl_route_get_pref_src(route)),
            metric: rtnl_route_get_priority(route),
            table: RoutingTable(rawValue: rtnl_route_get_table(route)),
            mtu: hasMTU ? Int(mtu) : nil,
            scope: RouteScope(rawValue: rtnl_route_get_scope(route)),
            origin: Origin(rawValue: rtnl_route_get_protocol(route)),
            kind: Kind(rawValue: rtnl_route_get_type(route)),
            isOnLink: hop.map { Int32(bitPattern: rtnl_route_nh_get_flags($0)) & Int32(RTNH_F_ONLINK) != 0 } ?? false)
    }

    init?(_ message: ReceivedMessage) {
        guard let body = message.body(rtmsg.self), AddressFamily(number: Int32(body.rtm_family)) != nil,
            // Entries of the IPv6 route cache (what was learnt of one destination), not routes.
            Int32(bitPattern: body.rtm_flags) & Int32(RTM_F_CLONED) == 0,
            let route = message.parse({ Route(libnl: $0) })
        else { return nil }
        self = route
    }

    /// Hands `use` the `struct rtnl_route` that means the same.
    func withLibnl<Value: ~Copyable>(
        _ use: (OpaquePointer) throws(NetlinkError) -> Value
    ) throws(NetlinkError) -> Value {
        guard let object = rtnl_route_alloc() else { fatalError("out of memory") }
        defer { rtnl_route_put(object) }
        let prefix = LibnlAddress(destination)
        rtnl_route_set_family(object, UInt8(destination.family.number))
        rtnl_route_set_dst(object, prefix.pointer)
        rtnl_route_set_priority(object, metric)
        rtnl_route_set_table(object, table.rawValue)
        rtnl_route_set_protocol(object, origin.rawValue)
        rtnl_route_set_type(object, kind.rawValue)
        if let source {
            let source = LibnlAddress(source)
            rtnl_route_set_pref_src(object, source.pointer)
        }
        if let mtu { rtnl_route_set_metric(object, Int32(RTAX_MTU), UInt32(clamping: mtu)) }
        if gateway != nil || interface != nil {
            guard let hop = rtnl_route_nh_alloc() else { fatalError("out of memory") }
            if let interface { rtnl_route_nh_set_ifindex(hop, Int32(interface)) }
            if let gateway {
                let address = LibnlAddress(gateway)
                if gateway.family == destination.family {
                    rtnl_route_nh_set_gateway(hop, address.pointer)
                } else {
                    rtnl_route_nh_set_via(hop, address.pointer)
                }
            }
            if isOnLink { rtnl_route_nh_set_flags(hop, UInt32(RTNH_F_ONLINK)) }
            rtnl_route_add_nexthop(object, hop)
        }
        let customary: RouteScope = kind == .local ? .host : gateway == nil && interface != nil ? .link : .universe
        rtnl_route_set_scope(object, (scope ?? customary).rawValue)
        return try use(object)
    }
}

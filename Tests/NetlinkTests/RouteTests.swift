import Glibc
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

/// Addresses of one family for a node that has moved: the old address, the new one, the new link's router.
struct MovedNode: Sendable, CustomTestStringConvertible {
    let old: IPAddress
    let new: IPAddress
    let oldRouter: IPAddress
    let router: IPAddress
    let correspondent: IPAddress
    let everywhere: IPPrefix
    let length: Int

    var testDescription: String { old.isV4 ? "IPv4" : "IPv6" }

    static let both = [
        MovedNode(
            old: IPAddress("10.1.0.7")!, new: IPAddress("10.2.0.9")!, oldRouter: IPAddress("10.1.0.1")!,
            router: IPAddress("10.2.0.1")!, correspondent: IPAddress("198.51.100.5")!,
            everywhere: IPPrefix("0.0.0.0/0")!, length: 24),
        MovedNode(
            old: IPAddress("fd01::7")!, new: IPAddress("fd02::9")!, oldRouter: IPAddress("fd01::1")!,
            router: IPAddress("fd02::1")!, correspondent: IPAddress("2001:db8:5::5")!,
            everywhere: IPPrefix("::/0")!, length: 64),
    ]

    /// Gives both addresses to `near0`.
    func addAddresses(_ pair: Pair) throws {
        for address in [old, new] {
            try pair.nearSocket.add(
                InterfaceAddress(
                    interface: try pair.nearIndex(), address: address, prefixLength: length,
                    flags: .noDuplicateDetection))
        }
    }
}

@Suite(.inNamespaces)
struct RouteTests {
    @Test(arguments: MovedNode.both)
    func `a look-up answers with interface, gateway, source and MTU of the route in force`(node: MovedNode) throws {
        let pair = try Pair()
        try node.addAddresses(pair)
        let index = try pair.nearIndex()
        let route = Route(
            to: node.everywhere, gateway: node.router, interface: index, source: node.new, metric: 50, mtu: 1380)
        try pair.nearSocket.add(route)

        let found = try pair.nearSocket.route(to: node.correspondent)
        #expect(found.gateway == node.router)
        #expect(found.interface == index)
        #expect(found.source == node.new)
        #expect(found.mtu == 1380)
        #expect(found.destination.length == node.everywhere.family.addressBits)

        let listed = try #require(try pair.nearSocket.routes(in: .main).first { $0.origin == .flowAnchor })
        #expect(listed.destination == route.destination)
        #expect(listed.gateway == route.gateway)
        #expect(listed.source == route.source)
        #expect(listed.metric == route.metric)
        #expect(listed.mtu == route.mtu)
    }

    @Test(arguments: MovedNode.both)
    func `a look-up honours the source through rules`(node: MovedNode) throws {
        let pair = try Pair()
        try node.addAddresses(pair)
        let index = try pair.nearIndex()
        try pair.nearSocket.add(Route(to: node.everywhere, gateway: node.oldRouter, interface: index))
        let table = RoutingTable(rawValue: 4242)
        try pair.nearSocket.add(Route(to: node.everywhere, gateway: node.router, interface: index, table: table))
        let rule = RoutingRule(
            priority: 1000, from: IPPrefix(node.new, length: node.everywhere.family.addressBits), table: table)
        try pair.nearSocket.add(rule)
        #expect(try pair.nearSocket.rules(family: node.everywhere.family).contains(rule))

        #expect(try pair.nearSocket.route(to: node.correspondent, from: node.new).gateway == node.router)
        #expect(try pair.nearSocket.route(to: node.correspondent, from: node.old).gateway == node.oldRouter)

        try pair.nearSocket.remove(rule)
        #expect(try pair.nearSocket.route(to: node.correspondent, from: node.new).gateway == node.oldRouter)
        let gone = #expect(throws: NetlinkError.self) { try pair.nearSocket.remove(rule) }
        #expect(gone?.code == ENOENT)
    }

    @Test(arguments: MovedNode.both)
    func `replacing a default route leaves one, with the new gateway`(node: MovedNode) throws {
        let pair = try Pair()
        try node.addAddresses(pair)
        let index = try pair.nearIndex()
        try pair.nearSocket.add(Route(to: node.everywhere, gateway: node.oldRouter, interface: index, metric: 7))
        try pair.nearSocket.replace(
            Route(to: node.everywhere, gateway: node.router, interface: index, source: node.new, metric: 7))
        let routes = try pair.nearSocket.routes(in: .main).filter { $0.destination == node.everywhere }
        #expect(routes.map(\.gateway) == [node.router])

        try pair.nearSocket.remove(routes[0])
        let error = #expect(throws: NetlinkError.self) { try pair.nearSocket.route(to: node.correspondent) }
        #expect(error?.code == ENETUNREACH)
        #expect(error?.object == "\(node.correspondent)")
    }

    @Test(arguments: MovedNode.both)
    func `a gateway outside of every prefix works with on-link and not without`(node: MovedNode) throws {
        let pair = try Pair()
        let index = try pair.nearIndex()
        try pair.nearSocket.add(
            InterfaceAddress(
                interface: index, address: node.new, prefixLength: node.everywhere.family.addressBits,
                flags: .noDuplicateDetection))
        var route = Route(to: node.everywhere, gateway: node.router, interface: index)
        #expect(throws: NetlinkError.self) { try pair.nearSocket.add(route) }
        route.isOnLink = true
        try pair.nearSocket.add(route)
        #expect(try pair.nearSocket.route(to: node.correspondent).gateway == node.router)
        #expect(try pair.nearSocket.routes(in: .main).contains { $0.gateway == node.router && $0.isOnLink })
    }

    @Test func `an IPv4 route may go by an IPv6 gateway`() throws {
        let pair = try Pair()
        for node in MovedNode.both { try node.addAddresses(pair) }
        let (v4, v6) = (MovedNode.both[0], MovedNode.both[1])
        try pair.nearSocket.add(
            Route(to: v4.everywhere, gateway: v6.router, interface: pair.nearIndex(), source: v4.new, isOnLink: true))
        let found = try pair.nearSocket.route(to: v4.correspondent)
        #expect(found.gateway == v6.router)
        #expect(found.source == v4.new)
    }

    @Test(arguments: MovedNode.both)
    func `coming and going of a route is seen`(node: MovedNode) throws {
        let pair = try Pair()
        try node.addAddresses(pair)
        let monitor = try NetlinkMonitor(.routes, namespace: pair.near)
        let route = Route(to: node.everywhere, gateway: node.router, interface: try pair.nearIndex())
        try pair.nearSocket.add(route)
        try monitor.first("route") { change in
            if case .route(let found) = change, found.gateway == node.router { found } else { nil }
        }
        try pair.nearSocket.remove(route)
        try monitor.first("removal of the route") { change in
            if case .routeRemoved(let found) = change, found.gateway == node.router { found } else { nil }
        }
    }

    @Test(arguments: MovedNode.both)
    func `a route with several next hops is listed without one`(node: MovedNode) throws {
        let pair = try Pair()
        try node.addAddresses(pair)
        try pair.near.command(
            "ip", node.old.isV4 ? "-4" : "-6", "route", "add", "default",
            "nexthop", "via", "\(node.router)", "dev", "near0", "nexthop", "via", "\(node.oldRouter)", "dev", "near0")
        let route = try #require(try pair.nearSocket.routes(in: .main).first { $0.destination == node.everywhere })
        #expect(route.gateway == nil)
        #expect(route.interface == nil)
    }
}

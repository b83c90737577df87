import AnchorCore
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

@testable import AnchorDaemon

/// A mobile node of two uplinks, `near0` and `near1`, in a namespace of its own.
private final class Node {
    let pair: Pair
    let host: MobileHost
    let first = InterfaceID(1)
    let second = InterfaceID(2)

    init() throws {
        pair = try Pair()
        try pair.near.command(
            "ip", "link", "add", "near1", "type", "veth", "peer", "name", "far1", "netns", pair.far.path)
        for (socket, name) in [(pair.nearSocket, "near1"), (pair.farSocket, "far1")] {
            try socket.changeLink(socket.link(named: name).index, up: true)
        }
        let failures = Failures()
        host = try MobileHost(
            netlink: NetlinkSocket(namespace: pair.near),
            uplinks: UplinkTable([first: "near0", second: "near1"])
        ) { failures.all.append($0) }
        self.collected = failures
        try refresh()
    }

    private final class Failures { var all: [NetlinkError] = [] }
    private let collected: Failures
    var refusals: [String] { collected.all.map(\.description) }

    func refresh() throws { _ = try host.uplinks.refresh(pair.nearSocket.links()) }

    func index(_ name: String) throws -> InterfaceIndex { try pair.nearSocket.link(named: name).index }

    func addresses(_ address: IPAddress) throws -> [InterfaceAddress] {
        try pair.nearSocket.addresses().filter { $0.address == address }
    }

    /// A router on an uplink and an address from it, as an attachment brings them.
    func attach(_ id: InterfaceID, _ address: IPAddress, _ gateway: IPAddress, mtu: UInt16 = 1500) {
        host.add(OwnAddress(address: address, interface: id, preferred: true))
        host.set(DefaultRoute(gateway: gateway, interface: id, source: address, mtu: mtu))
        host.finishRoutes()
        host.bind(address, to: .direct(id))
    }
}

/// Addresses of a node that moves from one link to the other, in one family.
struct Journey: Sendable, CustomTestStringConvertible {
    let old: IPAddress
    let oldRouter: IPAddress
    let new: IPAddress
    let newRouter: IPAddress
    let anchor: IPAddress
    let correspondent: IPAddress
    var testDescription: String { old.isV4 ? "IPv4" : "IPv6" }

    static let both = [
        Journey(
            old: IPAddress("10.1.0.7")!, oldRouter: IPAddress("10.1.0.1")!, new: IPAddress("10.2.0.9")!,
            newRouter: IPAddress("10.2.0.1")!, anchor: IPAddress("192.0.2.1")!,
            correspondent: IPAddress("198.51.100.5")!),
        Journey(
            old: IPAddress("fd01::7")!, oldRouter: IPAddress("fd01::1")!, new: IPAddress("fd02::9")!,
            newRouter: IPAddress("fd02::1")!, anchor: IPAddress("2001:db8:1::1")!,
            correspondent: IPAddress("2001:db8:5::5")!),
    ]
}

@Suite(.inNamespaces)
struct MobileHostTests {
    @Test(arguments: Journey.both)
    func `an attachment brings an address in use at once and the way out for new sockets`(journey: Journey) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter, mtu: 1400)
        let found = try #require(try node.addresses(journey.old).first)
        #expect(!found.isTentative && !found.isDeprecated)
        #expect(found.prefixLength == journey.old.family.addressBits)
        let route = try node.pair.nearSocket.route(to: journey.correspondent)
        #expect(route.source == journey.old)
        #expect(route.gateway == journey.oldRouter)
        #expect(route.mtu == 1400)
        #expect(node.refusals == [])
    }

    @Test(arguments: Journey.both)
    func `a binding that its router follows does not lead by the former one first`(journey: Journey) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter)
        let tunnel = Tunnel(local: journey.new, peer: journey.anchor, kind: .ipInIP)
        node.host.bind(journey.old, to: .tunnelled(tunnel, node.first))
        func route() throws -> Route { try node.pair.nearSocket.route(to: journey.correspondent, from: journey.old) }
        let before = try route()
        node.host.bind(journey.old, to: .direct(node.first), isRouteDue: true)
        #expect(try route() == before)
        node.host.set(
            DefaultRoute(gateway: journey.newRouter, interface: node.first, source: journey.old, mtu: 1400))
        #expect(try route().gateway == journey.newRouter)
        #expect(try route().mtu == 1400)
        #expect(node.refusals == [])
    }

    @Test(arguments: Journey.both)
    func `after a move old flows leave by the new link, with room for the tunnel, and new sockets use the new address`(
        journey: Journey
    ) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter)
        node.attach(node.second, journey.new, journey.newRouter)
        node.host.add(OwnAddress(address: journey.old, interface: node.first, preferred: false))
        let tunnel = Tunnel(local: journey.new, peer: journey.anchor, kind: .gre(key: 7, sequenced: true))
        node.host.bind(journey.old, to: .tunnelled(tunnel, node.second))

        let old = try node.pair.nearSocket.route(to: journey.correspondent, from: journey.old)
        #expect(old.interface == (try node.index("near1")))
        #expect(old.gateway == journey.newRouter)
        #expect(old.mtu == 1500 - (journey.old.isV4 ? 32 : 52))
        let new = try node.pair.nearSocket.route(to: journey.correspondent)
        #expect(new.source == journey.new)
        #expect(new.gateway == journey.newRouter)
        #expect(new.mtu == 1500)
        #expect(try node.addresses(journey.old).first?.isDeprecated == true)
        #expect(node.refusals == [])
    }

    @Test(arguments: Journey.both)
    func `an address that returns to its own link is preferred and routed there again`(journey: Journey) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter)
        node.attach(node.second, journey.new, journey.newRouter)
        node.host.add(OwnAddress(address: journey.old, interface: node.first, preferred: false))
        let tunnel = Tunnel(local: journey.new, peer: journey.anchor, kind: .ipInIP)
        node.host.bind(journey.old, to: .tunnelled(tunnel, node.second))
        node.attach(node.first, journey.old, journey.oldRouter)
        #expect(try node.addresses(journey.old).first?.isDeprecated == false)
        let route = try node.pair.nearSocket.route(to: journey.correspondent, from: journey.old)
        #expect(route.gateway == journey.oldRouter)
        #expect(route.mtu == 1500)
    }

    @Test(arguments: Journey.both)
    func `each of two attachments sends by its own link`(journey: Journey) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter)
        node.attach(node.second, journey.new, journey.newRouter)
        #expect(
            try node.pair.nearSocket.route(to: journey.correspondent, from: journey.old).gateway == journey.oldRouter)
        #expect(
            try node.pair.nearSocket.route(to: journey.correspondent, from: journey.new).gateway == journey.newRouter)
    }

    @Test(arguments: Journey.both)
    func `nothing waits for a former router of the link`(journey: Journey) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter)
        let index = try node.index("near0")
        // Nobody answers: the question is open.
        #expect(try node.pair.nearSocket.neighbour(journey.oldRouter, on: index)?.state == .incomplete)
        node.attach(node.first, journey.new, journey.newRouter)
        #expect(try node.pair.nearSocket.neighbour(journey.oldRouter, on: index)?.state != .incomplete)
        #expect(node.refusals == [])
    }

    @Test(arguments: Journey.both)
    func `nothing waits for the routers of a link that is gone while another one is in use`(journey: Journey) throws {
        let node = try Node()
        let index = try node.index("near0")
        node.attach(node.first, journey.old, journey.oldRouter)
        #expect(try node.pair.nearSocket.neighbour(journey.oldRouter, on: index)?.state == .incomplete)
        // Where there is no other way, they wait for the link to return.
        node.host.forgetRouters([journey.oldRouter], of: node.first)
        #expect(try node.pair.nearSocket.neighbour(journey.oldRouter, on: index)?.state == .incomplete)

        node.attach(node.second, journey.new, journey.newRouter)
        node.host.forgetRouters([journey.oldRouter], of: node.first)
        #expect(try node.pair.nearSocket.neighbour(journey.oldRouter, on: index)?.state != .incomplete)
        #expect(node.refusals == [])
    }

    @Test(arguments: Journey.both)
    func `a narrower way to the anchor is the route's MTU for old flows alone`(journey: Journey) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter)
        node.attach(node.second, journey.new, journey.newRouter)
        let tunnel = Tunnel(local: journey.new, peer: journey.anchor, kind: .ipInIP)
        node.host.bind(journey.old, to: .tunnelled(tunnel, node.second))
        node.host.setMTU(1400, to: journey.anchor)
        let old = try node.pair.nearSocket.route(to: journey.correspondent, from: journey.old)
        #expect(old.mtu == 1400 - tunnel.overhead)
        #expect(try node.pair.nearSocket.route(to: journey.correspondent).mtu == 1500)
        node.host.setMTU(nil, to: journey.anchor)
        let wide = try node.pair.nearSocket.route(to: journey.correspondent, from: journey.old)
        #expect(wide.mtu == 1500 - tunnel.overhead)
    }

    @Test(arguments: Journey.both, [true, false])
    func `while both attachments are in use each uplink's router is known for the address`(
        journey: Journey, bicast: Bool
    ) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter)
        node.attach(node.second, journey.new, journey.newRouter)
        let tunnel = Tunnel(local: journey.new, peer: journey.anchor, kind: .ipInIP)
        node.host.bind(journey.old, to: .both(direct: node.first, tunnel, node.second, bicast: bicast))
        func route(on name: String?) throws -> Route {
            try node.pair.nearSocket.route(
                to: journey.correspondent, from: journey.old, interface: name.map { try node.index($0) })
        }
        #expect(try route(on: nil).gateway == (bicast ? journey.newRouter : journey.oldRouter))
        #expect(try route(on: "near0").gateway == journey.oldRouter)
        #expect(try route(on: "near1").gateway == journey.newRouter)

        node.host.bind(journey.old, to: .direct(node.first))
        #expect(try route(on: nil).gateway == journey.oldRouter)
        let routes = try node.pair.nearSocket.routes().filter { $0.source == journey.old && $0.table != .main }
        #expect(routes.filter { $0.origin == .flowAnchor }.count == 1)
    }

    @Test(arguments: Journey.both)
    func `an old address survives its interface being set down or removed`(journey: Journey) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter)
        node.attach(node.second, journey.new, journey.newRouter)
        let tunnel = Tunnel(local: journey.new, peer: journey.anchor, kind: .ipInIP)
        node.host.bind(journey.old, to: .tunnelled(tunnel, node.second))

        func expectUsable(_ comment: Comment) throws {
            try node.refresh()
            node.host.restore()
            // Binding succeeds only to a local address.
            _ = try TestSocket.listening(in: node.pair.near, on: journey.old)
            let route = try node.pair.nearSocket.route(to: journey.correspondent, from: journey.old)
            #expect(route.gateway == journey.newRouter, comment)
            #expect(try node.addresses(journey.old).count == 1, comment)
        }
        try node.pair.nearSocket.changeLink(node.index("near0"), up: false)
        try expectUsable("set down")
        try node.pair.nearSocket.changeLink(node.index("near0"), up: true)
        try expectUsable("up again")
        #expect(try node.addresses(journey.old).first?.interface == (try node.index("near0")))
        try node.pair.near.command("ip", "link", "delete", "near0")
        try expectUsable("removed")
    }

    @Test(arguments: Journey.both)
    func `what others take away is noticed and put back, and what the host does itself is not`(journey: Journey) throws
    {
        let node = try Node()
        let monitor = try NetlinkMonitor(namespace: node.pair.near)
        node.attach(node.first, journey.old, journey.oldRouter)
        node.host.restore()
        for change in try monitor.receive() {
            if case .link = change { continue }
            #expect(!node.host.misses(after: change), "\(change)")
        }

        let address = try #require(try node.addresses(journey.old).first)
        try node.pair.nearSocket.remove(address)
        try monitor.first("missed address") { node.host.misses(after: $0) ? true : nil }
        node.host.restore()
        #expect(try node.addresses(journey.old).count == 1)

        let route = try #require(
            try node.pair.nearSocket.routes(in: .main, family: journey.old.family).first { $0.origin == .flowAnchor })
        try node.pair.nearSocket.remove(route)
        try monitor.first("missed route") { node.host.misses(after: $0) ? true : nil }
        node.host.restore()
        #expect(try node.pair.nearSocket.route(to: journey.correspondent).gateway == journey.oldRouter)
    }

    @Test(arguments: Journey.both)
    func `nothing is left when it ends, and nothing that was there before is touched`(journey: Journey) throws {
        let node = try Node()
        // The kernel gives its links link-local addresses in its own time.
        func routes() throws -> Set<Route> {
            Set(
                try node.pair.nearSocket.routes().filter {
                    !$0.destination.address.isLinkLocal && !$0.destination.address.isMulticast
                })
        }
        func addresses() throws -> Set<IPAddress> {
            Set(try node.pair.nearSocket.addresses().map(\.address).filter { !$0.isLinkLocal })
        }
        let before = (rules: try node.pair.nearSocket.rules(), routes: try routes(), addresses: try addresses())
        node.attach(node.first, journey.old, journey.oldRouter)
        node.attach(node.second, journey.new, journey.newRouter)
        node.host.remove(journey.old, from: node.first)
        #expect(try node.addresses(journey.old).isEmpty)
        node.host.removeAll()
        #expect(try node.pair.nearSocket.rules() == before.rules)
        #expect(try routes() == before.routes)
        #expect(try addresses() == before.addresses)
        #expect(node.refusals == [])
    }

    @Test(arguments: Journey.both)
    func `a program started again takes over what it wants and removes the rest`(journey: Journey) throws {
        let node = try Node()
        node.attach(node.first, journey.old, journey.oldRouter)
        node.attach(node.second, journey.new, journey.newRouter)
        let rules = try node.pair.nearSocket.rules()
        let again = try MobileHost(
            netlink: NetlinkSocket(namespace: node.pair.near),
            uplinks: UplinkTable([node.first: "near0", node.second: "near1"])
        ) { Issue.record("\($0)") }
        _ = try again.uplinks.refresh(node.pair.nearSocket.links())
        again.add(OwnAddress(address: journey.new, interface: node.second, preferred: true))
        #expect(try node.pair.nearSocket.rules() == rules, "nothing flickered")
        again.discardInherited()
        #expect(try node.addresses(journey.new).count == 1)
        #expect(try node.addresses(journey.old).isEmpty)
        #expect(try node.pair.nearSocket.rules().contains { $0.from?.address == journey.new })
        #expect(try !node.pair.nearSocket.rules().contains { $0.from?.address == journey.old })
    }

    @Test func `IPv6 goes by a router of which only an IPv4 address is known, with the router's MAC`() throws {
        let node = try Node()
        let (v4, v6) = (Journey.both[0], Journey.both[1])
        try node.pair.farSocket.add(
            InterfaceAddress(
                interface: node.pair.farSocket.link(named: "far1").index, address: v4.newRouter, prefixLength: 24))
        node.attach(node.first, v6.old, v6.oldRouter)
        let monitor = try NetlinkMonitor(.neighbours, namespace: node.pair.near)
        node.attach(node.second, v4.new, v4.newRouter)
        try monitor.first("router's MAC") { change -> Netlink.Neighbour? in
            guard case .neighbour(let found) = change, found.address == v4.newRouter, found.isUsable else { return nil }
            node.host.routerFound(found)
            return found
        }
        let tunnel = Tunnel(local: v4.new, peer: v4.anchor, kind: .ipInIP)
        node.host.bind(v6.old, to: .tunnelled(tunnel, node.second))
        let index = try node.index("near1")
        let route = try node.pair.nearSocket.route(to: v6.correspondent, from: v6.old)
        #expect(route.interface == index)
        #expect(route.gateway == MobileHost.standIn)
        #expect(
            try node.pair.nearSocket.neighbour(MobileHost.standIn, on: index)?.mac
                == (try node.pair.farSocket.link(named: "far1").mac))
    }

    @Test func `IPv4 goes by a router of which only an IPv6 address is known`() throws {
        let node = try Node()
        let (v4, v6) = (Journey.both[0], Journey.both[1])
        node.attach(node.first, v4.old, v4.oldRouter)
        node.attach(node.second, v6.new, v6.newRouter)
        let tunnel = Tunnel(local: v6.new, peer: v6.anchor, kind: .ipInIP)
        node.host.bind(v4.old, to: .tunnelled(tunnel, node.second))
        let route = try node.pair.nearSocket.route(to: v4.correspondent, from: v4.old)
        #expect(route.interface == (try node.index("near1")))
        #expect(route.gateway == v6.newRouter)
        #expect(route.mtu == 1460)
    }
}

import AnchorCore
import AnchorDataPlane
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Synchronization
import Testing

@testable import AnchorDaemon

/// An access router whose only interface is `near0`, without programs: the tables are a model.
private final class Router {
    let pair: Pair
    let model = ModelDataPlane()
    let plane: ForwardingPlane
    private let monitor: NetlinkMonitor
    private let attachments: Count
    /// News of access links.
    private let news = Mutex<[Bool]>([])

    private final class Count: Sendable {
        let value = Mutex(0)
    }

    /// - Parameter waits: for the programs; otherwise they are put on another thread, as a daemon's start has it.
    init(_ role: PortRole = .core, waits: Bool = true) throws {
        pair = try Pair()
        try pair.near.command("ip", "addr", "add", "192.0.2.2/28", "dev", "near0")
        try pair.far.command("ip", "addr", "add", "192.0.2.1/28", "dev", "far0")
        try pair.near.command("ip", "route", "add", "default", "via", "192.0.2.1")
        monitor = try NetlinkMonitor(namespace: pair.near)
        var settings = AccessRouterSettings()
        settings.endpoints = [IPAddress("192.0.2.2")!]
        if role == .access {
            var link = AccessLinkSettings()
            link.interface = "near0"
            settings.access = [link]
        } else {
            settings.coreInterfaces = ["near0"]
        }
        var tell: (Bool) -> Void = { _ in }
        let reports = ForwardingPlane.Reports(
            linkChanged: { tell($1) }, attached: { _ in }, serverChanged: { _, _ in }, warn: { _ in })
        let attachments = Count()
        self.attachments = attachments
        plane = ForwardingPlane(
            settings, ports: PortTable(settings, numbers: ["near0": 1]), markedDown: [], dataPlane: model,
            netlink: try NetlinkSocket(namespace: pair.near), reports: reports
        ) { port throws(DataPlaneError) in
            attachments.value.withLock { $0 += 1 }
            return ProgramAttachment(port: port, interface: "near0", programs: [], mode: .native, hasReplaced: false)
        }
        tell = { [unowned self] isUp in news.withLock { $0.append(isUp) } }
        if waits { try plane.refresh() } else { try plane.begin() }
    }

    var attached: Int { attachments.value.withLock { $0 } }
    var linkNews: [Bool] { news.withLock { $0 } }

    /// Removes `near0` and makes it anew.
    func remake() throws {
        try pair.far.command("ip", "link", "del", "far0")
        try pair.near.command(
            "ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", pair.far.path)
        for (namespace, name) in [(pair.near, "near0"), (pair.far, "far0")] {
            try namespace.command("ip", "link", "set", name, "up")
        }
    }

    /// Follows the kernel until it is so.
    func wait(_ what: String, _ condition: () -> Bool) throws {
        try poll(what) {
            try plane.handle(try monitor.receive())
            return condition() ? true : nil
        }
    }

    func path(_ address: String) -> PathEntry? {
        guard let path = try? model.host(HostKey(IPAddress(address)!))?.tunnel?.path else { return nil }
        return model.paths.first { $0.index == path }
    }

    func installTunnel() throws {
        let tunnel = Tunnel(local: IPAddress("192.0.2.2")!, peer: IPAddress("203.0.113.5")!, kind: .ipInIP)
        let binding = HostBinding(address: IPAddress("10.1.0.9")!, node: 1, location: .tunnelled(tunnel))
        try plane.install(CollectionOfOne(binding))
    }
}

@Suite(.inNamespaces)
struct ForwardingPlaneTests {
    @Test func `a tunnel leaves by the default route's gateway, resolved`() throws {
        let router = try Router()
        try router.installTunnel()
        try router.wait("the gateway's MAC") { router.path("10.1.0.9")?.isResolved == true }
        #expect(router.path("10.1.0.9")?.specification.nextHop == .neighbour(IPAddress("192.0.2.1")!, port: 1))
        #expect(router.path("10.1.0.9")?.specification.encapsulation?.source == IPAddress("192.0.2.2"))
        #expect(router.model.configuration.defaultPathV4 != 0)
    }

    @Test func `a start goes on while programs are put on, and knows of them when it has waited`() throws {
        let router = try Router(.access, waits: false)
        #expect(router.model.port(1) != nil && router.linkNews == [true])
        #expect(router.plane.ports.ports[1]?.attachment == nil)
        router.plane.finishAttaching()
        #expect(router.attached == 1)
        #expect(router.plane.ports.ports[1]?.attachment?.interface == "near0")
        router.plane.finishAttaching()
        try router.plane.refresh()
        #expect(router.attached == 1)
    }

    @Test func `tunnels that are put in force together leave as each would by itself`() throws {
        let router = try Router()
        try router.pair.near.command("ip", "route", "add", "203.0.113.0/24", "via", "192.0.2.9")
        let peers = ["203.0.113.5", "203.0.113.6", "198.51.100.1", "203.0.113.7", "192.0.2.7", "192.0.2.8"]
        let kinds: [AnchorCore.TunnelKind] = [.ipInIP, .ipInIP, .gre(key: 1, sequenced: false)]
        let bindings = (0..<30).map { number in
            let peer = IPAddress(peers[number % peers.count])!
            let tunnel = Tunnel(local: IPAddress("192.0.2.2")!, peer: peer, kind: kinds[number % kinds.count])
            let address = IPAddress(v4: 0x0a01_0000 + UInt32(number))
            return HostBinding(address: address, node: 1, location: .tunnelled(tunnel))
        }
        try router.plane.refresh()
        try router.plane.install(bindings)
        for binding in bindings {
            let together = try router.model.host(HostKey(binding.address))
            #expect(try together == router.plane.entry(binding))
        }
        var loader = HostLoader(router.plane)
        for binding in bindings { loader.add(binding) }
        let loaded = loader.finish()
        #expect(loaded.count == bindings.count && loaded.failure == nil)
        for binding in bindings {
            #expect(try router.model.host(HostKey(binding.address)) == router.plane.entry(binding))
        }
    }

    @Test func `a route that changes takes the tunnels along`() throws {
        let router = try Router()
        try router.installTunnel()
        try router.pair.far.command("ip", "addr", "add", "192.0.2.3/28", "dev", "far0")
        try router.pair.near.command("ip", "route", "replace", "default", "via", "192.0.2.3", "mtu", "1400")
        let hop = NextHop.neighbour(IPAddress("192.0.2.3")!, port: 1)
        try router.wait("the new gateway") { router.path("10.1.0.9")?.specification.nextHop == hop }
        #expect(router.path("10.1.0.9")?.mtu == 1380)
    }

    @Test func `an interface that vanishes and returns gets its program and its place again`() throws {
        let router = try Router()
        try router.installTunnel()
        #expect(router.attached == 1)
        let former = try #require(router.model.port(1)?.interfaceIndex)
        try router.pair.far.command("ip", "link", "del", "far0")
        try router.wait("the loss") { router.model.port(1) == nil }
        try router.pair.near.command(
            "ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", router.pair.far.path)
        try router.pair.near.command("ip", "addr", "add", "192.0.2.2/28", "dev", "near0")
        for (namespace, name) in [(router.pair.near, "near0"), (router.pair.far, "far0")] {
            try namespace.command("ip", "link", "set", name, "up")
        }
        try router.pair.far.command("ip", "addr", "add", "192.0.2.1/28", "dev", "far0")
        try router.pair.near.command("ip", "route", "add", "default", "via", "192.0.2.1")
        try router.wait("the return") {
            router.path("10.1.0.9")?.isResolved == true && router.model.port(1)?.interfaceIndex != former
        }
        #expect(router.attached == 2)
        #expect(router.model.port(1)?.addresses.contains(IPAddress("192.0.2.2")!) == true)
    }

    @Test func `an access link that was made anew between two looks went and came`() throws {
        let router = try Router(.access)
        let former = router.model.port(1)?.interfaceIndex
        #expect(router.linkNews == [true])
        try router.remake()
        try router.wait("the new interface") {
            router.model.port(1)?.interfaceIndex != former && router.plane.ports.ports[1]?.isUp == true
        }
        #expect(router.attached == 2)
        #expect(router.linkNews.suffix(2) == [false, true])
    }

    @Test func `a next hop that comes into use again is asked whether it is still the one that it was`() throws {
        let router = try Router()
        try router.installTunnel()
        let gateway = IPAddress("192.0.2.1")!
        try router.wait("the gateway's MAC") { router.path("10.1.0.9")?.isResolved == true }
        let index = try router.pair.nearIndex()
        try router.pair.far.command("ip", "addr", "add", "192.0.2.3/28", "dev", "far0")
        try router.pair.near.command("ip", "route", "replace", "default", "via", "192.0.2.3")
        try router.wait("the other gateway") {
            router.path("10.1.0.9")?.specification.nextHop == .neighbour(IPAddress("192.0.2.3")!, port: 1)
        }
        // It was here once, and nobody has told that it is another one now.
        let former = Neighbour(
            interface: index, address: gateway, mac: MACAddress("02:00:00:00:00:77"), state: .reachable)
        try router.pair.nearSocket.replace(former)
        try router.pair.near.command("ip", "route", "replace", "default", "via", "192.0.2.1")
        let mac = try router.pair.farSocket.link(named: "far0").mac
        try router.wait("its MAC, asked for") {
            let found = try? router.pair.nearSocket.neighbour(gateway, on: index)
            return found?.mac == mac && router.path("10.1.0.9")?.isResolved == true
        }
    }

    @Test func `a tunnel made while its endpoint's address was away finds its way once that is back`() throws {
        let router = try Router()
        // An endpoint of its own: the routes stay as they are.
        try router.pair.near.command("ip", "addr", "add", "192.0.2.5/28", "dev", "near0")
        try router.pair.near.command("ip", "addr", "del", "192.0.2.2/28", "dev", "near0")
        try router.pair.near.command("ip", "addr", "add", "192.0.2.5/28", "dev", "near0")
        try router.pair.near.command("ip", "route", "replace", "default", "via", "192.0.2.1")
        let gateway = NextHop.neighbour(IPAddress("192.0.2.1")!, port: 1)
        try router.wait("the loss") {
            router.plane.isOwn(IPAddress("192.0.2.5")!) && !router.plane.isOwn(IPAddress("192.0.2.2")!)
                && router.plane.routes.defaultV4?.hop == gateway
        }
        try router.installTunnel()
        #expect(router.path("10.1.0.9")?.specification.nextHop == .kernel)
        try router.pair.near.command("ip", "addr", "add", "192.0.2.2/32", "dev", "near0")
        try router.wait("the way") { router.path("10.1.0.9")?.specification.nextHop == gateway }
    }

    @Test func `routes that the kernel removed without a word are found missing`() throws {
        let router = try Router()
        // The kernel tells of the link first.
        try router.plane.handle([.link(try router.pair.nearSocket.link(named: "near0"))])
        try router.pair.near.command("ip", "link", "set", "near0", "down")
        #expect(router.model.configuration.defaultPathV4 != 0)
        try router.plane.settle()
        #expect(router.model.configuration.defaultPathV4 == 0)
    }

    @Test func `a change of the link's MTU is told to the programs`() throws {
        let router = try Router()
        try router.pair.near.command("ip", "link", "set", "near0", "mtu", "1400")
        try router.wait("the MTU") { router.model.port(1)?.mtu == 1400 }
    }

    @Test func `a learned path MTU makes the host's path smaller, until it is forgotten`() throws {
        let router = try Router()
        try router.installTunnel()
        let (host, peer) = (IPAddress("10.1.0.9")!, IPAddress("203.0.113.5")!)
        #expect(router.plane.tunnels(host, from: IPAddress("192.0.2.2")!, to: peer))
        #expect(!router.plane.tunnels(host, from: IPAddress("192.0.2.2")!, to: IPAddress("203.0.113.6")!))
        #expect(!router.plane.tunnels(host, from: IPAddress("192.0.2.9")!, to: peer))
        try router.plane.learn(1400, to: peer, host: host, at: .zero)
        #expect(router.path("10.1.0.9")?.mtu == 1380)
        // A larger one later changes nothing.
        try router.plane.learn(1450, to: peer, host: host, at: .zero)
        #expect(router.path("10.1.0.9")?.mtu == 1380)
        try router.plane.forgetPathMTUs(at: .zero + .seconds(3600))
        #expect(router.path("10.1.0.9")?.mtu == 1480)
    }

    @Test func `a server's mark changes its chain as its lost link does, and counts from the start`() throws {
        let text = """
            [access-router]
            endpoints = ["192.0.2.2"]
            core-interfaces = ["near0"]
            [[access-router.access]]
            interface = "acc0"
            gateway = "10.1.0.1/24"
            pools = "10.1.0.0/24"
            [[access-router.server]]
            name = "fw"
            inside = "srv0"
            outside = "srv1"
            when-down = "refuse"
            """
        let settings = try #require(try DaemonConfiguration(text: text, file: "test.toml").accessRouter)
        let namespace = try NetworkNamespace.anonymous()
        try namespace.command("ip", "link", "add", "srv0", "type", "veth", "peer", "name", "srv1")
        try namespace.command("ip", "link", "set", "srv0", "up")
        try namespace.command("ip", "link", "set", "srv1", "up")
        let changes = Mutex<[Bool]>([])
        let reports = ForwardingPlane.Reports(
            linkChanged: { _, _ in }, attached: { _ in },
            serverChanged: { _, isUp in changes.withLock { $0.append(isUp) } }, warn: { _ in })
        let model = ModelDataPlane()
        let plane = ForwardingPlane(
            settings, ports: PortTable(settings, numbers: ["near0": 1, "acc0": 2, "srv0": 3, "srv1": 4]),
            markedDown: ["fw", "another"],
            dataPlane: model, netlink: try NetlinkSocket(namespace: namespace), reports: reports
        ) { port throws(DataPlaneError) in
            ProgramAttachment(port: port, interface: "", programs: [], mode: .native, hasReplaced: false)
        }
        func passes(_ chain: ServerChain) -> Bool { if case .through = chain { true } else { false } }
        func waitForLegs(_ areUp: Bool) throws {
            try poll("legs that are \(areUp ? "up" : "down")") {
                try plane.refresh()
                return plane.servers.map(\.areLegsUp) == [areUp] ? true : nil
            }
        }
        try waitForLegs(true)
        #expect(plane.servers.map(\.isMarkedDown) == [true])
        #expect(model.chain(1) == .refuse)
        try plane.setMarkedDown(["another"])
        #expect(passes(model.chain(1)))
        try plane.setMarkedDown(["fw"])
        #expect(model.chain(1) == .refuse)
        try plane.setMarkedDown(["fw"])
        #expect(changes.withLock { $0 } == [false, true, false])
        try namespace.command("ip", "link", "set", "srv1", "down")
        try waitForLegs(false)
        try plane.setMarkedDown([])
        #expect(model.chain(1) == .refuse)
        try namespace.command("ip", "link", "set", "srv1", "up")
        try waitForLegs(true)
        #expect(passes(model.chain(1)))
    }

    @Test func `hosts that nothing stands for are taken out`() throws {
        let router = try Router()
        try router.installTunnel()
        #expect(try router.plane.removeHosts { $0 == IPAddress("10.1.0.9") } == 0)
        #expect(try router.plane.removeHosts { _ in false } == 1)
        #expect(router.model.hostTable.entries == 0)
    }
}

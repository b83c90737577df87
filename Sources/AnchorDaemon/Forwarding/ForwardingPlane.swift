import AnchorCore
import AnchorDataPlane
import Netlink
import NetworkTypes

/// Keeps an access router's data plane in step with this machine: its interfaces, addresses, routes and neighbours,
/// its servers, and the bindings of its hosts. For one serial queue.
final class ForwardingPlane {
    /// What it tells its owner.
    struct Reports {
        var linkChanged: (InterfaceID, Bool) -> Void
        var attached: (ProgramAttachment) -> Void
        var serverChanged: (String, Bool) -> Void
        var warn: (String) -> Void
    }

    let settings: AccessRouterSettings
    let ports: PortTable
    let dataPlane: any DataPlane
    let netlink: NetlinkSocket
    let reports: Reports
    let nextHops: NextHops
    /// Puts programs on a port that is described.
    private let attachPrograms: @Sendable (PortIndex) throws(DataPlaneError) -> ProgramAttachment
    /// Names of servers of each chain; the chain's number is its place plus one.
    let chains: [[String]]
    private let chainNames: [String?]
    private(set) var routes: RoutePlan
    private var isConfigured = false
    /// At a start, until programs are on the ports.
    private var attaching: ProgramAttaching?
    private(set) var plan = ServerPlan(chains: [], servers: [])
    /// The interface that carries each port while it is up, as it was told last.
    private var carriers: [PortIndex: InterfaceIndex?] = [:]
    /// Whether routes may have gone without a word since they were read.
    private var mayLackRoutes = false
    private var serversUp: [String: Bool] = [:]
    /// Addresses of interfaces that are no ports, such as the loopback's.
    private(set) var otherAddresses: Set<IPAddress> = []
    /// Care-of addresses that hosts have just left, by host.
    var formerPeers: [IPAddress: IPAddress] = [:]
    /// Names of the servers that an operator took out of service; see ``setMarkedDown(_:)``.
    var markedDown: Set<String>
    /// Path MTUs below the core's, by tunnel's peer.
    var learned: [IPAddress: LearnedMTU] = [:]
    /// The other access routers.
    var routers: RouterDirectory
    /// Routers that hosts which have moved on are taken from still, by host.
    var roamingPeers: [IPAddress: Set<IPAddress>] = [:]
    /// Gives hosts outside addresses, where there is a NAT.
    var translation: Translation?
    /// Outside addresses as the tables count them.
    var outside: [OutsideRange] = []
    /// Ways to tunnels' peers, as long as no route changes.
    var ways = TunnelWays()

    /// - Parameter routers: the other access routers.
    init(
        _ settings: AccessRouterSettings, ports: PortTable, markedDown: Set<String>, dataPlane: any DataPlane,
        netlink: NetlinkSocket, routers: RouterDirectory = RouterDirectory(), reports: Reports,
        attach: @escaping @Sendable (PortIndex) throws(DataPlaneError) -> ProgramAttachment
    ) {
        self.settings = settings
        self.markedDown = markedDown
        self.dataPlane = dataPlane
        self.routers = routers
        self.netlink = netlink
        self.reports = reports
        attachPrograms = attach
        self.ports = ports
        nextHops = NextHops(dataPlane, netlink: netlink, interfaces: ports, warn: reports.warn)
        var chains: [[String]] = []
        for link in settings.access {
            let names = link.servers ?? settings.servers.map(\.name)
            if !names.isEmpty && !chains.contains(names) { chains.append(names) }
        }
        self.chains = chains
        chainNames = chains.map(Self.chainName)
        routes = RoutePlan([], ports: [:], pools: [])
    }

    /// The chain's name in bindings; `nil` for no servers.
    static func chainName(_ servers: [String]) -> String? { servers.isEmpty ? nil : servers.joined(separator: "+") }

    func chainIndex(_ name: String?) -> ChainIndex {
        guard let name, let place = chainNames.firstIndex(of: name) else { return 0 }
        return ChainIndex(place + 1)
    }

    /// Whether an interface of this machine has the address.
    func isOwn(_ address: IPAddress) -> Bool {
        ports.ports.values.contains { $0.addresses.contains(address) } || otherAddresses.contains(address)
    }

    /// Blocks that the host table answers for.
    var pools: [IPPrefix] { settings.access.flatMap(\.blocks) }

    // MARK: What the kernel says

    /// Reads everything anew: at the start, and when changes were lost.
    func refresh() throws {
        let links = try netlink.links()
        let gone = Set(ports.kernelIndices.keys).subtracting(links.map(\.index))
        for index in gone { ports.remove(index) }
        for link in links { _ = ports.update(link) }
        for index in ports.kernelIndices.keys { try readAddresses(index) }
        try readOtherAddresses()
        ways = TunnelWays()
        try describePorts()
        try readRoutes()
        nextHops.refreshAll()
    }

    func handle(_ changes: [NetlinkChange]) throws {
        var changed: Set<PortIndex> = []
        var describe = false
        var reroute = false
        var retunnel = false
        var readdress: Set<UInt32> = []
        for change in changes {
            switch change {
            case .link, .linkRemoved, .addressRemoved: mayLackRoutes = true
            case .address, .route, .routeRemoved, .neighbour, .neighbourRemoved, .overrun: break
            }
            switch change {
            case .link(let link):
                if let port = ports.update(link) { changed.insert(port) }
                readdress.insert(link.index)
            case .linkRemoved(let link):
                if let port = ports.remove(link.index) { changed.insert(port) }
            case .address(let address), .addressRemoved(let address):
                readdress.insert(address.interface)
                // From an endpoint that it lacks, the kernel knows no way to anywhere.
                if settings.endpoints.contains(address.address) { retunnel = true }
            case .route(let route), .routeRemoved(let route):
                if route.table == .main { reroute = true }
                // Those of other tables have a say in who is told from whom.
                ways = TunnelWays()
            case .neighbour(let neighbour): nextHops.handle(neighbour)
            case .neighbourRemoved(let neighbour): nextHops.handle(neighbour, isGone: true)
            case .overrun: return try refresh()
            }
        }
        if !readdress.subtracting(ports.kernelIndices.keys).isEmpty { try readOtherAddresses() }
        for index in readdress where ports.kernelIndices[index] != nil {
            if try readAddresses(index) { describe = true }
        }
        if describe || !changed.isEmpty { try describePorts() }
        for port in changed { nextHops.portChanged(port) }
        if retunnel { ways = TunnelWays() }
        let areNew = try (reroute || !changed.isEmpty) && readRoutes()
        if retunnel && !areNew { try rerouteTunnels() }
    }

    @discardableResult
    private func readAddresses(_ index: UInt32) throws -> Bool {
        let addresses = try netlink.addresses(of: index).map(\.address)
        return ports.setAddresses(addresses, ofKernelIndex: index) != nil
    }

    private func readOtherAddresses() throws {
        let others = try netlink.addresses().filter { ports.kernelIndices[$0.interface] == nil }
        otherAddresses = Set(others.map(\.address))
    }

    // MARK: Ports and servers

    /// Tells the data plane of the interfaces and puts programs on those that have none. Next hops behind servers
    /// follow from the interfaces, so all of it is done at once.
    func describePorts() throws {
        // Once without the paths from server to server, which need the ports.
        for port in ports.ports.values where dataPlane.port(port.index) == nil {
            try dataPlane.setPort(port.index, port.description(nextUp: 0, nextDown: 0))
        }
        plan = ServerPlan(chains: chains, servers: servers)
        for port in ports.ports.values.sorted(by: { $0.index < $1.index }) {
            let nextUp = try plan.nextUp[port.index].map { try path(to: $0) } ?? 0
            let nextDown = try plan.nextDown[port.index].map { try path(to: $0) } ?? 0
            try dataPlane.setPort(port.index, port.description(nextUp: nextUp, nextDown: nextDown))
        }
        for (place, chain) in plan.chains.enumerated() {
            let index = ChainIndex(place + 1)
            switch chain {
            case .bypass: try dataPlane.setChain(index, .bypass)
            case .refuse: try dataPlane.setChain(index, .refuse)
            case .through(let up, let down):
                try dataPlane.setChain(index, .through(up: try path(to: up), down: try path(to: down)))
            }
        }
        if attaching == nil { attachAll() }
        tellChanges()
    }

    private func attachAll() {
        for port in ports.ports.values where port.link != nil && port.attachment == nil {
            attach(port) { () throws(DataPlaneError) in try attachPrograms(port.index) }
        }
    }

    /// Reads everything as ``refresh()`` does, and has programs put on the ports meanwhile and longer.
    func begin() throws {
        let attaching = ProgramAttaching(attachPrograms)
        self.attaching = attaching
        try refresh()
        let lacking = ports.ports.values.filter { $0.link != nil && $0.attachment == nil }
        attaching.start(lacking.map(\.index).sorted())
    }

    /// Waits until that has been tried on each.
    func finishAttaching() {
        guard let attaching else { return }
        self.attaching = nil
        for (index, result) in attaching.finish() {
            guard let port = ports.ports[index] else { continue }
            attach(port) { () throws(DataPlaneError) in try result.get() }
        }
    }

    private func attach(_ port: RouterPort, _ work: () throws(DataPlaneError) -> ProgramAttachment) {
        do throws(DataPlaneError) {
            let attachment = try work()
            ports.setAttachment(attachment, failure: nil, of: port.index)
            reports.attached(attachment)
        } catch {
            // Said once for each cause, tried again at every change.
            if port.failure != error.description { reports.warn("\(port.name): \(error)") }
            ports.setAttachment(nil, failure: error.description, of: port.index)
        }
    }

    private func tellChanges() {
        for port in ports.ports.values {
            let carrier = port.isUp ? port.link?.index : nil
            let former = carriers.updateValue(carrier, forKey: port.index)
            guard former != .some(carrier), port.role == .access else { continue }
            // One that was removed and made again between two looks is another: groups were joined on the former.
            if carrier == nil || (former ?? nil) != nil { reports.linkChanged(InterfaceID(port.index), false) }
            if carrier != nil { reports.linkChanged(InterfaceID(port.index), true) }
        }
        for server in servers where serversUp[server.name] != server.isUp {
            let isNew = serversUp.updateValue(server.isUp, forKey: server.name) == nil
            if !isNew || !server.isUp { reports.serverChanged(server.name, server.isUp) }
        }
    }

    /// A path that only forwards.
    func path(to hop: NextHop, mtu: UInt16? = nil) throws(DataPlaneError) -> PathIndex {
        nextHops.follow(hop)
        return try dataPlane.path(for: PathSpecification(nextHop: hop, pathMTU: mtu))
    }

    // MARK: Routes

    /// Looks whether routes have gone. The kernel says nothing of IPv4 routes that go with a link or an address, and
    /// removes them only after it has told of that.
    func settle() throws {
        guard mayLackRoutes else { return }
        mayLackRoutes = false
        try readRoutes()
    }

    /// - Returns: whether they are others than before.
    @discardableResult
    private func readRoutes() throws -> Bool {
        let plan = RoutePlan(try netlink.routes(in: .main), ports: ports.kernelIndices, pools: pools)
        let known = dataPlane.configuration
        let isAsSet =
            known.endpoints == settings.endpoints && known.inside == settings.nat?.inside ?? []
            && known.exempt == settings.nat?.exempt ?? []
            && known.outside == outside
        let areNew = routes != plan || !isAsSet
        guard areNew else { return false }
        routes = plan
        ways = TunnelWays()
        try configure()
        // At the start every tunnel is put in force anew anyway.
        if isConfigured { try rerouteTunnels() }
        isConfigured = true
        // What was known of a next hop when it was in use before may be long past.
        nextHops.refreshAll()
        return true
    }

    private func configure() throws {
        var configuration = DataPlaneConfiguration()
        configuration.endpoints = settings.endpoints
        configuration.pools = pools
        configuration.unaware = Set(settings.access.flatMap(\.unaware))
        configuration.routes = try routes.routes.map { way in
            .init(prefix: way.prefix, path: try path(to: way.hop, mtu: way.mtu))
        }
        configuration.defaultPathV4 = try routes.defaultV4.map { try path(to: $0.hop, mtu: $0.mtu) } ?? 0
        configuration.defaultPathV6 = try routes.defaultV6.map { try path(to: $0.hop, mtu: $0.mtu) } ?? 0
        configuration.routesByKernel = routes.isByKernel
        configuration.unknownSourcePasses = settings.unknownSource == .pass
        if let nat = settings.nat {
            configuration.inside = nat.inside
            configuration.exempt = nat.exempt
            configuration.outside = outside
        }
        if settings.clampMSS {
            // What the largest outer header leaves: IPv6, GRE with key and sequence number.
            let room = settings.coreMTU - 52
            configuration.maximumSegmentV4 = room - 40
            configuration.maximumSegmentV6 = room - 60
        }
        try dataPlane.setConfiguration(configuration)
    }
}

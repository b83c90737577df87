import AnchorCore
import Glibc
import Netlink
import NetworkTypes

/// The mobile node's own addresses and routes in the kernel, as the state machine wants them.
///
/// Every change is one request that takes effect at once, in an order that leaves no moment without address or route:
/// first the new, then the old goes. What others take away (an interface set down, a DHCP client, an operator) is put
/// back by ``restore()``.
final class MobileHost {
    let netlink: NetlinkSocket
    let plan: RoutingPlan
    let loopback: InterfaceIndex
    let onFailure: (NetlinkError) -> Void
    /// Shared with the owner, who keeps it up to date.
    var uplinks: UplinkTable

    /// What is known of an own address.
    struct Placement {
        var own: OwnAddress
        let route: AddressRoute
        /// As the kernel has it, as far as is known.
        var configured: InterfaceAddress?
        var hasRule = false
        /// Of its binding; without one it is sent on the uplink that it is configured on.
        var path: AnchorPath?
        /// In its table.
        var installed: Route?
        /// In its other table, with the rule that leads there.
        var other: (rule: RoutingRule, route: Route)?
    }

    var placements: [IPAddress: Placement] = [:]
    /// Of the way to an anchor, outer headers included, where it is known to be narrower than the uplink.
    var anchorMTUs: [IPAddress: UInt16] = [:]
    /// The way out of each uplink.
    var exits: [Exit: DefaultRoute] = [:]
    /// The way of new sockets, in the main table.
    var mainRoutes: [AddressFamily: DefaultRoute] = [:]
    var installedMain: [AddressFamily: Route] = [:]
    /// Ways out that not everything follows yet, and what they took the place of.
    private var unfinished: [(route: DefaultRoute, former: DefaultRoute?)] = []
    /// Tables and rules of an earlier run, not taken over yet.
    var inherited: [IPAddress: RoutingTable]

    struct Exit: Hashable {
        var uplink: InterfaceID
        var family: AddressFamily
    }

    /// - Parameter onFailure: told what the kernel refused; the rest goes on.
    init(
        netlink: NetlinkSocket, uplinks: UplinkTable, plan: RoutingPlan = RoutingPlan(),
        onFailure: @escaping (NetlinkError) -> Void
    ) throws {
        self.netlink = netlink
        self.uplinks = uplinks
        self.plan = plan
        self.onFailure = onFailure
        loopback = try netlink.link(named: "lo").index
        inherited = [:]
        for rule in try netlink.rules() {
            guard let table = rule.table, plan.contains(table), let from = rule.from else { continue }
            if rule.priority == plan.rulePriority { inherited[from.address] = table }
            // Made again where it is needed.
            if rule.priority == plan.rulePriority - 1 { try netlink.remove(rule) }
        }
    }

    /// Own addresses, where the kernel has them now.
    var devices: [IPAddress: InterfaceIndex] { placements.compactMapValues(\.configured?.interface) }

    // MARK: What the state machine asks for

    func add(_ own: OwnAddress) {
        var placement =
            placements[own.address] ?? Placement(own: own, route: makeRoute(own.address))
        placement.own = own
        placements[own.address] = placement
        place(own.address)
        routeAddress(own.address)
        addRule(own.address)
    }

    /// - Parameter id: the uplink that it is configured on. One that was moved to another uplink stays there.
    /// - Returns: whether it is gone.
    @discardableResult
    func remove(_ address: IPAddress, from id: InterfaceID) -> Bool {
        guard let placement = placements[address], placement.own.interface == id else { return false }
        placements[address] = nil
        discard(placement.route, placement.installed)
        discard(placement.other)
        guard let configured = placement.configured else { return true }
        tolerating(EADDRNOTAVAIL, ENODEV) { () throws(NetlinkError) in try netlink.remove(configured) }
        return true
    }

    /// - Parameter isRouteDue: whether the address's ``set(_:)`` follows, which would do its route once more.
    func bind(_ address: IPAddress, to path: AnchorPath, isRouteDue: Bool = false) {
        guard placements[address] != nil else { return }
        placements[address]?.path = path
        if !isRouteDue { routeAddress(address) }
    }

    /// The router of the care-of address at once; of everything else that it concerns with ``finishRoutes()``.
    func set(_ route: DefaultRoute) {
        let family = route.source.family
        let former = exits.updateValue(route, forKey: Exit(uplink: route.interface, family: family))
        mainRoutes[family] = route
        uplinks.setGateway(route.gateway, family: route.gateway.family, on: route.interface)
        // Before the first packet asks from its own source: what is answered to an address that has only just come was seen
        // to be in vain, until the kernel asked again.
        resolve([route.gateway], on: route.interface)
        routeAddress(route.source)
        unfinished.append((route, former))
    }

    /// Does what ``set(_:)`` left for later.
    func finishRoutes() {
        guard !unfinished.isEmpty else { return }
        let changes = unfinished
        unfinished = []
        let concerned = Set(changes.map(\.route.interface))
        for (address, placement) in placements
        where concerned.contains(uplink(of: placement)) || placement.path?.otherUplink.map(concerned.contains) == true {
            routeAddress(address)
        }
        for (route, former) in changes {
            routeMain(route.source.family)
            if let former, former.gateway != route.gateway { forgetRouter(former) }
        }
    }

    /// - Parameter mtu: `nil` for that of the uplink.
    func setMTU(_ mtu: UInt16?, to anchor: IPAddress) {
        anchorMTUs[anchor] = mtu
        for (address, placement) in placements where placement.path?.tunnel?.peer == anchor { routeAddress(address) }
    }

    func removeRoute(_ family: AddressFamily, _ id: InterfaceID) {
        exits[Exit(uplink: id, family: family)] = nil
        uplinks.setGateway(nil, family: family, on: id)
        if mainRoutes[family]?.interface == id {
            mainRoutes[family] = nil
            if let route = installedMain.removeValue(forKey: family) { removeFromKernel(route) }
        }
        for (address, placement) in placements where address.family == family && uplink(of: placement) == id {
            if let route = placement.installed { removeFromKernel(route) }
            placements[address]?.installed = nil
        }
    }

    /// Looks for the routers of the uplink before the first packet asks for them.
    func resolveRouters(on id: InterfaceID) {
        resolve(uplinks[id]?.gateways.values.sorted() ?? [], on: id)
    }

    func resolve(_ gateways: [IPAddress], on id: InterfaceID) {
        guard let index = uplinks.index(of: id) else { return }
        for gateway in gateways {
            tolerating(ENETDOWN) { () throws(NetlinkError) in try netlink.resolve(gateway, on: index) }
        }
    }

    /// Packets that wait for the MAC of a router that is gone fill their sockets until the kernel gives it up.
    private func forgetRouter(_ route: DefaultRoute) {
        guard let index = uplinks.index(of: route.interface) else { return }
        forgetRouter(route.gateway, on: index)
    }

    /// The link of an uplink is gone while others carry on. What waits there for the MACs of its routers has gone the
    /// other way, too, or is overtaken: should the link return, it would come twice, or late [0052].
    func forgetRouters(_ gateways: some Sequence<IPAddress>, of id: InterfaceID) {
        guard let index = uplinks.index(of: id), placements.values.contains(where: { uplink(of: $0) != id }) else {
            return
        }
        for gateway in gateways { forgetRouter(gateway, on: index) }
    }

    private func forgetRouter(_ gateway: IPAddress, on index: InterfaceIndex) {
        let router = Netlink.Neighbour(interface: index, address: gateway, mac: nil, state: [])
        tolerating(ENOENT, ENETDOWN, ENODEV) { () throws(NetlinkError) in try netlink.remove(router) }
    }

    // MARK: What happens to the host

    /// Puts everything where it belongs: after an interface came, went, or was set up or down, and after changes of
    /// which nobody knows what they were. Asks for what is there already, too: that changes nothing.
    func restore() {
        for address in placements.keys.sorted() {
            // What is known may not be so any more.
            placements[address]?.installed = nil
            placements[address]?.hasRule = false
            place(address, isCertain: false)
            routeAddress(address)
            addRule(address)
        }
        for family in mainRoutes.keys { routeMain(family) }
    }

    /// Whether the change took away something that belongs here, so that ``restore()`` is due.
    func misses(after change: NetlinkChange) -> Bool {
        switch change {
        case .addressRemoved(let address): placements[address.address]?.configured?.interface == address.interface
        case .routeRemoved(let route):
            route.origin == .flowAnchor
                && (installedMain.values.contains { $0.isSamePlace(as: route) }
                    || placements.values.contains { $0.installed?.isSamePlace(as: route) == true })
        case .overrun: true
        case .link(let link): uplinks.uplink(index: link.index) != nil
        case .linkRemoved: true
        case .address, .route, .neighbour, .neighbourRemoved: false
        }
    }

    /// Removes what an earlier run left behind.
    /// - Parameter kept: addresses that will be asked for again.
    func discardInherited(except kept: Set<IPAddress> = []) {
        let addresses = (try? netlink.addresses()) ?? []
        for (address, table) in inherited where !kept.contains(address) {
            let route = AddressRoute(address: address, table: table)
            discard(route, (try? netlink.routes(in: table, family: address.family))?.first)
            for found in addresses where found.address == address {
                tolerating(EADDRNOTAVAIL) { () throws(NetlinkError) in try netlink.remove(found) }
            }
        }
        inherited = inherited.filter { kept.contains($0.key) }
    }

    /// Takes all of it out of the kernel: the program ends and leaves no address behind.
    func removeAll() {
        for (address, placement) in placements { remove(address, from: placement.own.interface) }
        for route in installedMain.values { removeFromKernel(route) }
        installedMain = [:]
        mainRoutes = [:]
        exits = [:]
        discardInherited()
    }

    // MARK: Addresses

    /// On its uplink while that is up, otherwise on the loopback: a local address that its flows keep, wherever their
    /// packets go meanwhile.
    func place(_ address: IPAddress, isCertain: Bool = true) {
        guard let placement = placements[address] else { return }
        let link = uplinks[placement.own.interface]?.link
        let device = link?.isUp == true ? link!.index : loopback
        let wanted = kernelAddress(placement.own, on: device)
        guard !isCertain || placement.configured != wanted else { return }
        guard failed({ () throws(NetlinkError) in try netlink.replace(wanted) }) == nil else { return }
        placements[address]?.configured = wanted
        if let former = placement.configured, former.interface != device {
            tolerating(EADDRNOTAVAIL, ENODEV) { () throws(NetlinkError) in try netlink.remove(former) }
        }
    }

    func kernelAddress(_ own: OwnAddress, on device: InterfaceIndex) -> InterfaceAddress {
        InterfaceAddress(
            interface: device, address: own.address, prefixLength: own.address.family.addressBits,
            flags: own.address.isV4 ? .noPrefixRoute : [.noDuplicateDetection, .noPrefixRoute],
            preferredLifetime: own.preferred ? nil : 0)
    }
}

extension Route {
    /// The kernel's answer differs in what it fills in by itself.
    fileprivate func isSamePlace(as other: Route) -> Bool {
        destination == other.destination && table == other.table && interface == other.interface
            && gateway == other.gateway
    }
}

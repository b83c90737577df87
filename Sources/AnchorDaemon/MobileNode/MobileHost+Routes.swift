import AnchorCore
import Glibc
import Netlink
import NetworkTypes

extension MobileHost {
    func uplink(of placement: Placement) -> InterfaceID { placement.path?.uplink ?? placement.own.interface }

    func makeRoute(_ address: IPAddress) -> AddressRoute {
        if let table = inherited.removeValue(forKey: address) { return AddressRoute(address: address, table: table) }
        let taken = Set(placements.values.map(\.route.table)).union(inherited.values)
        let free = (0..<plan.tableCount).lazy.map { RoutingTable(rawValue: self.plan.firstTable + $0) }
        return AddressRoute(address: address, table: free.first { !taken.contains($0) } ?? .main)
    }

    func addRule(_ address: IPAddress) {
        guard let placement = placements[address], placement.route.table != .main, !placement.hasRule else { return }
        tolerating(EEXIST) { () throws(NetlinkError) in try netlink.add(placement.route.rule(plan)) }
        placements[address]?.hasRule = true
    }

    func discard(_ route: AddressRoute, _ installed: Route?) {
        guard route.table != .main else { return }
        tolerating(ENOENT) { () throws(NetlinkError) in try netlink.remove(route.rule(plan)) }
        if let installed { removeFromKernel(installed) }
    }

    func discard(_ other: (rule: RoutingRule, route: Route)?) {
        guard let other else { return }
        tolerating(ENOENT) { () throws(NetlinkError) in try netlink.remove(other.rule) }
        removeFromKernel(other.route)
    }

    /// Sends the address's packets out of the uplink of its binding. Without a router there the route stays as it is:
    /// its packets have nowhere to go either way.
    func routeAddress(_ address: IPAddress) {
        guard let placement = placements[address], placement.route.table != .main else { return }
        if let route = route(for: placement, by: uplink(of: placement), in: placement.route.table),
            route != placement.installed,
            failed({ () throws(NetlinkError) in try netlink.replace(route) }) == nil
        {
            placements[address]?.installed = route
        }
        routeOther(address)
    }

    /// The other uplink while both attachments are in use.
    func routeOther(_ address: IPAddress) {
        guard let placement = placements[address] else { return }
        var other: (rule: RoutingRule, route: Route)?
        if let id = placement.path?.otherUplink, let name = uplinks[id]?.name,
            let route = route(for: placement, by: id, in: placement.route.otherTable(plan)),
            failed({ () throws(NetlinkError) in try netlink.replace(route) }) == nil
        {
            other = (placement.route.otherRule(plan, uplink: name), route)
        }
        if let former = placement.other, former.rule != other?.rule { discard(former) }
        if let other { tolerating(EEXIST) { () throws(NetlinkError) in try netlink.add(other.rule) } }
        placements[address]?.other = other
    }

    func route(for placement: Placement, by id: InterfaceID, in table: RoutingTable) -> Route? {
        let family = placement.own.address.family
        guard let link = uplinks[id]?.link, link.isUp, let exit = exit(of: id, for: family),
            let gateway = reachable(exit.gateway, for: family, on: link.index)
        else { return nil }
        let overhead = placement.path?.overhead ?? 0
        let widest = overhead > 0 ? placement.path?.tunnel.flatMap { anchorMTUs[$0.peer] } : nil
        return Route(
            to: family.everywhere, gateway: gateway, interface: link.index, source: placement.own.address,
            metric: plan.metric, table: table,
            mtu: max(family.smallestMTU, Int(min(exit.mtu, widest ?? .max)) - overhead), isOnLink: true)
    }

    func routeMain(_ family: AddressFamily) {
        guard let wanted = mainRoutes[family], let link = uplinks[wanted.interface]?.link, link.isUp,
            let gateway = reachable(wanted.gateway, for: family, on: link.index)
        else { return }
        let route = Route(
            to: family.everywhere, gateway: gateway, interface: link.index, source: wanted.source, metric: plan.metric,
            mtu: Int(wanted.mtu), isOnLink: true)
        if failed({ () throws(NetlinkError) in try netlink.replace(route) }) == nil { installedMain[family] = route }
    }

    /// The router of the family, or else of the other one: what is in a tunnel need not be of the link's own family.
    func exit(of id: InterfaceID, for family: AddressFamily) -> DefaultRoute? {
        exits[Exit(uplink: id, family: family)] ?? exits[Exit(uplink: id, family: family == .v4 ? .v6 : .v4)]
    }

    /// A gateway by which packets of the family can be sent to that router. The kernel routes IPv4 by an IPv6 gateway,
    /// but not the other way round: there a link-local address stands for the router, with its MAC.
    func reachable(
        _ gateway: IPAddress, for family: AddressFamily, on index: InterfaceIndex
    ) -> IPAddress? {
        guard family == .v6, gateway.isV4 else { return gateway }
        let found = failed { () throws(NetlinkError) in
            guard let mac = try netlink.neighbour(gateway, on: index)?.mac else { return }
            try netlink.replace(Netlink.Neighbour(interface: index, address: MobileHost.standIn, mac: mac))
        }
        return found == nil ? MobileHost.standIn : nil
    }

    /// Stands for an IPv4 router in IPv6 routes.
    static let standIn = IPAddress(high: 0xfe80_0000_0000_0000, low: 0x00fa_00fa_00fa_00fa)

    /// The MAC of an IPv4 router became known, or another: IPv6 routes by it follow.
    func routerFound(_ neighbour: Netlink.Neighbour) {
        guard neighbour.isUsable, let uplink = uplinks.uplink(index: neighbour.interface),
            uplink.gateways[.v4] == neighbour.address
        else { return }
        for (address, placement) in placements
        where !address.isV4 && self.uplink(of: placement) == uplink.id && uplink.gateways[.v6] == nil {
            routeAddress(address)
        }
    }

    func removeFromKernel(_ route: Route) {
        tolerating(ESRCH, ENODEV) { () throws(NetlinkError) in try netlink.remove(route) }
    }
}

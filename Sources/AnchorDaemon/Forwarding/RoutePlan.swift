import AnchorDataPlane
import Netlink
import NetworkTypes

/// Which of the kernel's routes the programs follow by themselves. Pure.
struct RoutePlan: Equatable {
    struct Way: Equatable {
        var prefix: IPPrefix
        var hop: NextHop
        /// Bytes, where the route names its own.
        var mtu: UInt16?
    }

    var defaultV4: Way?
    var defaultV6: Way?
    /// More specific ones, longest first.
    var routes: [Way] = []
    /// There are more than the programs hold: the kernel is asked for each packet.
    var isByKernel = false

    /// - Parameters:
    ///   - routes: of the main table.
    ///   - ports: numbers of the interfaces that programs are attached to, by kernel index.
    ///   - pools: blocks that the host table answers for.
    init(_ routes: [Route], ports: [InterfaceIndex: PortIndex], pools: [IPPrefix]) {
        // The kernel's order: the longest prefix, then the smallest metric.
        let usable = routes.filter { $0.kind == .unicast && $0.table == .main }.sorted { a, b in
            (b.destination.length, a.metric) < (a.destination.length, b.metric)
        }
        var seen: Set<IPPrefix> = []
        for route in usable where seen.insert(route.destination).inserted {
            let prefix = route.destination
            if prefix.address.isLinkLocal || prefix.address.isMulticast { continue }
            if pools.contains(where: { $0.contains(prefix) }) { continue }
            let way = Way(prefix: prefix, hop: Self.hop(of: route, ports), mtu: route.mtu.map { UInt16(clamping: $0) })
            if prefix.length > 0 {
                self.routes.append(way)
            } else if prefix.family == .v4 {
                defaultV4 = way
            } else {
                defaultV6 = way
            }
        }
        // What is the same as the default needs no entry of its own, unless a shorter one would catch it.
        isByKernel = self.routes.count > DataPlaneConfiguration.routeLimit
        if isByKernel { self.routes = [] }
    }

    /// A gateway on one of our ports; everything else the kernel does, which knows the neighbours of a link.
    private static func hop(of route: Route, _ ports: [InterfaceIndex: PortIndex]) -> NextHop {
        guard let gateway = route.gateway, let interface = route.interface, let port = ports[interface] else {
            return .kernel
        }
        return .neighbour(gateway, port: port)
    }
}

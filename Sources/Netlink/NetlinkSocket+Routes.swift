import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    /// - Parameters:
    ///   - table: only routes of this table; all tables by default.
    ///   - family: only routes of this family.
    public func routes(
        in table: RoutingTable? = nil, family: AddressFamily? = nil
    ) throws(NetlinkError) -> [Route] {
        let message = NetlinkMessage(type: Int32(RTM_GETROUTE))
        var body = rtmsg()
        body.rtm_family = UInt8(family?.number ?? AF_UNSPEC)
        message.append(body)
        let all = try transport.dump(message, operation: "list", object: "routes", Route.init)
        return all.filter { table == nil || $0.table == table }
    }

    /// The way that the kernel would send a packet, like `ip route get`: interface, gateway, source and MTU, after
    /// rules and all tables. The answer's destination is the single address asked for.
    /// - Parameters:
    ///   - source: the packet's source address; without one, the answer has the one that the kernel would choose.
    ///   - interface: the interface that the sender is bound to.
    ///   - arrival: the interface that the packet came in by: the question is then how it would be forwarded.
    ///   - mark: the packet's mark, for the rules.
    /// - Throws: ENETUNREACH or EHOSTUNREACH where there is no route.
    public func route(
        to destination: IPAddress, from source: IPAddress? = nil, interface: InterfaceIndex? = nil,
        arrival: InterfaceIndex? = nil, mark: UInt32 = 0
    ) throws(NetlinkError) -> Route {
        let message = NetlinkMessage(type: Int32(RTM_GETROUTE))
        var body = rtmsg()
        body.rtm_family = UInt8(destination.family.number)
        body.rtm_dst_len = UInt8(destination.family.addressBits)
        body.rtm_src_len = UInt8(source?.family.addressBits ?? 0)
        body.rtm_flags = UInt32(RTM_F_LOOKUP_TABLE)
        message.append(body)
        message.put(attribute: Int(RTA_DST.rawValue), destination.bytes)
        if let source { message.put(attribute: Int(RTA_SRC.rawValue), source.bytes) }
        if let interface { message.put(attribute: Int(RTA_OIF.rawValue), interface) }
        if let arrival { message.put(attribute: Int(RTA_IIF.rawValue), arrival) }
        if mark != 0 { message.put(attribute: Int(RTA_MARK.rawValue), mark) }
        let object = source.map { "\(destination) from \($0)" } ?? "\(destination)"
        return try transport.get(message, operation: "find the route to", object: object) { answer in
            answer.parse { Route(libnl: $0) }
        }
    }

    /// - Throws: EEXIST where there is one with the same destination and metric.
    public func add(_ route: Route) throws(NetlinkError) {
        try put(route, flags: NLM_F_CREATE | NLM_F_EXCL, operation: "add route")
    }

    /// Adds it, or takes the place of the one with the same destination and metric, in one step.
    public func replace(_ route: Route) throws(NetlinkError) {
        try put(route, flags: NLM_F_CREATE | NLM_F_REPLACE, operation: "replace route")
    }

    /// - Throws: ESRCH where there is none like it.
    public func remove(_ route: Route) throws(NetlinkError) {
        let message = try route.withLibnl { object throws(NetlinkError) in
            try NetlinkMessage(operation: "remove route", object: route.description) {
                rtnl_route_build_del_request(object, 0, &$0)
            }
        }
        try change(message, operation: "remove route", object: route.description)
    }

    private func put(_ route: Route, flags: Int32, operation: String) throws(NetlinkError) {
        let message = try route.withLibnl { object throws(NetlinkError) in
            try NetlinkMessage(operation: operation, object: route.description) {
                rtnl_route_build_add_request(object, flags, &$0)
            }
        }
        try change(message, operation: operation, object: route.description)
    }
}

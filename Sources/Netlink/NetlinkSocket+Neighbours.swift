import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    /// - Parameter interface: only neighbours on it; those on all interfaces by default.
    public func neighbours(on interface: InterfaceIndex? = nil) throws(NetlinkError) -> [Neighbour] {
        let message = NetlinkMessage(type: Int32(RTM_GETNEIGH))
        message.append(ndmsg())
        let all = try transport.dump(message, operation: "list", object: "neighbours", Neighbour.init)
        return all.filter { interface == nil || $0.interface == interface }
    }

    /// - Returns: what is known of the neighbour, `nil` where the kernel has no entry.
    public func neighbour(
        _ address: IPAddress, on interface: InterfaceIndex
    ) throws(NetlinkError) -> Neighbour? {
        let message = NetlinkMessage(type: Int32(RTM_GETNEIGH))
        var body = ndmsg()
        body.ndm_family = UInt8(address.family.number)
        body.ndm_ifindex = Int32(interface)
        message.append(body)
        message.put(attribute: Int(NDA_DST), address.bytes)
        do {
            return try transport.get(
                message, operation: "find neighbour", object: "\(address) on interface \(interface)", Neighbour.init)
        } catch {
            guard error.code == ENOENT else { throw error }
            return nil
        }
    }

    /// Makes the kernel look for the neighbour now, as if a packet waited for it; the outcome comes as a change
    /// through a ``NetlinkMonitor``. What is known already stays in use until then.
    public func resolve(_ address: IPAddress, on interface: InterfaceIndex) throws(NetlinkError) {
        let wanted = Neighbour(interface: interface, address: address, mac: nil, state: [], flags: .use)
        try put(wanted, flags: NLM_F_CREATE, operation: "resolve neighbour")
    }

    /// Has a neighbour that is known asked at once whether it is still there, as one that packets were sent to in vain.
    /// Its MAC stays in use until it has answered, or has not answered three times within a second each (RFC 4861,
    /// section 7.3.3). A permanent one would be one no more.
    /// - Throws: ENOENT where there is no entry, EINVAL where its MAC isn't known.
    public func verify(_ address: IPAddress, on interface: InterfaceIndex) throws(NetlinkError) {
        let doubted = Neighbour(interface: interface, address: address, mac: nil, state: .probe)
        try put(doubted, flags: NLM_F_REPLACE, operation: "verify neighbour")
    }

    /// - Throws: EEXIST where there is an entry.
    public func add(_ neighbour: Neighbour) throws(NetlinkError) {
        try put(neighbour, flags: NLM_F_CREATE | NLM_F_EXCL, operation: "add neighbour")
    }

    /// Adds it, or takes the place of what is known.
    public func replace(_ neighbour: Neighbour) throws(NetlinkError) {
        try put(neighbour, flags: NLM_F_CREATE | NLM_F_REPLACE, operation: "replace neighbour")
    }

    /// - Throws: ENOENT where there is none.
    public func remove(_ neighbour: Neighbour) throws(NetlinkError) {
        let message = try neighbour.withLibnl { object throws(NetlinkError) in
            try NetlinkMessage(operation: "remove neighbour", object: neighbour.description) {
                rtnl_neigh_build_delete_request(object, 0, &$0)
            }
        }
        try change(message, operation: "remove neighbour", object: neighbour.description)
    }

    private func put(_ neighbour: Neighbour, flags: Int32, operation: String) throws(NetlinkError) {
        let message = try neighbour.withLibnl { object throws(NetlinkError) in
            try NetlinkMessage(operation: operation, object: neighbour.description) {
                rtnl_neigh_build_add_request(object, flags, &$0)
            }
        }
        try change(message, operation: operation, object: neighbour.description)
    }
}

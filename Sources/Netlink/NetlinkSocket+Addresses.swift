import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    /// - Parameter interface: only its addresses; those of all interfaces by default.
    public func addresses(of interface: InterfaceIndex? = nil) throws(NetlinkError) -> [InterfaceAddress] {
        let message = NetlinkMessage(type: Int32(RTM_GETADDR))
        message.append(ifaddrmsg())
        let all = try transport.dump(message, operation: "list", object: "addresses", InterfaceAddress.init)
        return all.filter { interface == nil || $0.interface == interface }
    }

    /// - Throws: EEXIST where the interface has it.
    public func add(_ address: InterfaceAddress) throws(NetlinkError) {
        try put(address, flags: NLM_F_CREATE | NLM_F_EXCL, operation: "add address")
    }

    /// Adds it, or changes flags and lifetimes where the interface has it. The address stays in use meanwhile.
    public func replace(_ address: InterfaceAddress) throws(NetlinkError) {
        try put(address, flags: NLM_F_CREATE | NLM_F_REPLACE, operation: "replace address")
    }

    /// Keeps the address for the connections that use it; new ones choose another.
    public func deprecate(_ address: InterfaceAddress) throws(NetlinkError) {
        var deprecated = address
        deprecated.preferredLifetime = 0
        try put(deprecated, flags: NLM_F_CREATE | NLM_F_REPLACE, operation: "deprecate address")
    }

    /// - Throws: EADDRNOTAVAIL where the interface has none like it.
    public func remove(_ address: InterfaceAddress) throws(NetlinkError) {
        let message = try address.withLibnl { object throws(NetlinkError) in
            try NetlinkMessage(operation: "remove address", object: address.description) {
                rtnl_addr_build_delete_request(object, 0, &$0)
            }
        }
        try change(message, operation: "remove address", object: address.description)
    }

    private func put(_ address: InterfaceAddress, flags: Int32, operation: String) throws(NetlinkError) {
        let message = try address.withLibnl { object throws(NetlinkError) in
            try NetlinkMessage(operation: operation, object: address.description) {
                rtnl_addr_build_add_request(object, flags, &$0)
            }
        }
        try change(message, operation: operation, object: address.description)
    }
}

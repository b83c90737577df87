import CNetlink
import Glibc
import NetworkTypes

extension NetlinkSocket {
    public func links() throws(NetlinkError) -> [Link] {
        let message = NetlinkMessage(type: Int32(RTM_GETLINK))
        message.append(ifinfomsg())
        return try transport.dump(message, operation: "list", object: "links", Link.init)
    }

    /// - Throws: ENODEV where there is none.
    public func link(index: InterfaceIndex) throws(NetlinkError) -> Link {
        try link(index: index, name: nil)
    }

    /// - Throws: ENODEV where there is none.
    public func link(named name: String) throws(NetlinkError) -> Link {
        try link(index: 0, name: name)
    }

    private func link(index: InterfaceIndex, name: String?) throws(NetlinkError) -> Link {
        let object = name ?? "number \(index)"
        let message = try NetlinkMessage(operation: "find link", object: object) {
            rtnl_link_build_get_request(Int32(index), name, &$0)
        }
        return try transport.get(message, operation: "find link", object: object, Link.init)
    }

    /// Changes what is not `nil`. A MAC address can only be changed while the driver permits it.
    /// - Parameters:
    ///   - up: administrative state.
    ///   - mtu: largest IP packet in bytes.
    ///   - master: the bridge to put it into; 0 takes it out.
    public func changeLink(
        _ index: InterfaceIndex, up: Bool? = nil, mtu: Int? = nil, mac: MACAddress? = nil, master: InterfaceIndex? = nil
    ) throws(NetlinkError) {
        let message = NetlinkMessage(type: Int32(RTM_NEWLINK))
        var body = ifinfomsg()
        body.ifi_index = Int32(index)
        if let up {
            body.ifi_change = Link.Flags.up.rawValue
            body.ifi_flags = up ? Link.Flags.up.rawValue : 0
        }
        message.append(body)
        if let mtu { message.put(attribute: Int(IFLA_MTU), UInt32(clamping: mtu)) }
        if let mac { message.put(attribute: Int(IFLA_ADDRESS), mac.bytes) }
        if let master { message.put(attribute: Int(IFLA_MASTER), master) }
        try change(message, operation: "change link", object: "number \(index)")
    }
}

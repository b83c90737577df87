import CNetlink
import Glibc

extension NetlinkSocket {
    /// Makes two interfaces joined by a cable (veth), both up.
    /// - Parameters:
    ///   - name: of the first, at most 15 bytes.
    ///   - peer: of the second.
    ///   - largestAggregate: segments that a packet handed to the first may stand for; the kernel cuts larger ones
    ///     before they enter the cable.
    /// - Throws: EEXIST where a name is taken.
    public func addVirtualPair(
        _ name: String, peer: String, largestAggregate: UInt32? = nil
    ) throws(NetlinkError) {
        let message = NetlinkMessage(type: Int32(RTM_NEWLINK), flags: NLM_F_CREATE | NLM_F_EXCL)
        message.append(ifinfomsg())
        message.put(attribute: Int(IFLA_IFNAME), Array(name.utf8) + [0])
        if let largestAggregate { message.put(attribute: Int(IFLA_GSO_MAX_SEGS), largestAggregate) }
        let information = nla_nest_start(message.pointer, Int32(IFLA_LINKINFO))
        message.put(attribute: Int(IFLA_INFO_KIND), Array("veth".utf8) + [0])
        let data = nla_nest_start(message.pointer, Int32(IFLA_INFO_DATA))
        let other = nla_nest_start(message.pointer, Self.vethPeer)
        message.append(ifinfomsg())
        message.put(attribute: Int(IFLA_IFNAME), Array(peer.utf8) + [0])
        nla_nest_end(message.pointer, other)
        nla_nest_end(message.pointer, data)
        nla_nest_end(message.pointer, information)
        try change(message, operation: "make virtual pair", object: "\(name) and \(peer)")
        // Neither can be up before the other is there.
        for end in [name, peer] { try changeLink(try link(named: end).index, up: true) }
    }

    /// Takes the interface away, with its peer where it has one.
    /// - Throws: ENODEV where there is none.
    public func removeLink(named name: String) throws(NetlinkError) {
        let message = NetlinkMessage(type: Int32(RTM_DELLINK))
        message.append(ifinfomsg())
        message.put(attribute: Int(IFLA_IFNAME), Array(name.utf8) + [0])
        try change(message, operation: "remove link", object: name)
    }

    /// VETH_INFO_PEER of linux/veth.h.
    private static let vethPeer: Int32 = 1
}

import CNetlink
import Glibc
import NetworkTypes

/// The number by which the kernel knows an interface inside one network namespace; never 0.
public typealias InterfaceIndex = UInt32

/// A network interface.
public struct Link: Hashable, Sendable {
    public let index: InterfaceIndex
    public let name: String
    /// `nil` for an interface that has none of six bytes (loopback reports zeros).
    public let mac: MACAddress?
    /// Largest IP packet in bytes.
    public let mtu: Int
    public let flags: Flags
    public let operationalState: OperationalState
    /// The bridge or bond that it belongs to.
    public let master: InterfaceIndex?
    /// The other end of a veth pair, or the interface below a VLAN; `nil` where there is none or it is in another
    /// namespace under a number that means nothing here.
    public let parent: InterfaceIndex?
    /// The driver's own name for its kind: `veth`, `bridge`, `vlan`; `nil` for hardware.
    public let kind: String?
    /// How often the carrier came and went since the interface was made: a flap shows, however short it was.
    public let carrierChanges: UInt32
    /// Its packets begin with an Ethernet header; a cellular modem's, for example, do not.
    public let isEthernet: Bool

    public init(
        index: InterfaceIndex, name: String, mac: MACAddress?, mtu: Int, flags: Flags,
        operationalState: OperationalState, master: InterfaceIndex? = nil, parent: InterfaceIndex? = nil,
        kind: String? = nil, carrierChanges: UInt32 = 0, isEthernet: Bool = true
    ) {
        self.index = index
        self.name = name
        self.mac = mac
        self.mtu = mtu
        self.flags = flags
        self.operationalState = operationalState
        self.master = master
        self.parent = parent
        self.kind = kind
        self.carrierChanges = carrierChanges
        self.isEthernet = isEthernet
    }

    /// Set up by an administrator.
    public var isUp: Bool { flags.contains(.up) }
    /// There is a signal, a peer, an association.
    public var hasCarrier: Bool { flags.contains(.lowerUp) }
    /// Up, with carrier, and past any authentication of the link.
    public var isUsable: Bool { isUp && hasCarrier && (operationalState == .up || operationalState == .unknown) }

    /// IFF_… of `linux/if.h`.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        public static let up = Flags(rawValue: 1 << 0)
        public static let broadcast = Flags(rawValue: 1 << 1)
        public static let loopback = Flags(rawValue: 1 << 3)
        public static let pointToPoint = Flags(rawValue: 1 << 4)
        /// RFC 2863 operational state is up.
        public static let running = Flags(rawValue: 1 << 6)
        public static let noARP = Flags(rawValue: 1 << 7)
        public static let promiscuous = Flags(rawValue: 1 << 8)
        public static let multicast = Flags(rawValue: 1 << 12)
        public static let lowerUp = Flags(rawValue: 1 << 16)
        public static let dormant = Flags(rawValue: 1 << 17)
    }

    /// RFC 2863, section 3.1.14, as IFLA_OPERSTATE numbers it.
    public enum OperationalState: UInt8, Hashable, Sendable {
        case unknown, notPresent, down, lowerLayerDown, testing, dormant, up
    }
}

extension Link {
    /// - Parameter link: a `struct rtnl_link`.
    init?(libnl link: OpaquePointer) {
        guard let name = rtnl_link_get_name(link) else { return nil }
        let master = rtnl_link_get_master(link)
        let parent = rtnl_link_get_link(link)
        var carrierChanges: UInt32 = 0
        rtnl_link_get_carrier_changes(link, &carrierChanges)
        self.init(
            index: InterfaceIndex(rtnl_link_get_ifindex(link)),
            name: String(cString: name),
            mac: MACAddress(libnl: rtnl_link_get_addr(link)),
            mtu: Int(rtnl_link_get_mtu(link)),
            flags: Flags(rawValue: rtnl_link_get_flags(link)),
            operationalState: OperationalState(rawValue: rtnl_link_get_operstate(link)) ?? .unknown,
            master: master > 0 ? InterfaceIndex(master) : nil,
            parent: parent > 0 ? InterfaceIndex(parent) : nil,
            kind: rtnl_link_get_type(link).map { String(cString: $0) },
            carrierChanges: carrierChanges,
            isEthernet: [ARPHRD_ETHER, ARPHRD_LOOPBACK].contains(Int32(rtnl_link_get_arptype(link))))
    }

    /// `nil` for anything but a whole link: the messages about bridge ports and wireless events have the same types.
    init?(_ message: ReceivedMessage) {
        guard let body = message.body(ifinfomsg.self), Int32(body.ifi_family) == AF_UNSPEC,
            let link = message.parse({ Link(libnl: $0) })
        else { return nil }
        self = link
    }
}

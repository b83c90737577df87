import CNetlink
import Glibc
import NetworkTypes

/// What the kernel knows of a neighbour: its MAC address, found by ARP or neighbour discovery.
public struct Neighbour: Hashable, Sendable {
    public var interface: InterfaceIndex
    public var address: IPAddress
    /// `nil` while it is not known.
    public var mac: MACAddress?
    public var state: State
    public var flags: Flags

    public init(
        interface: InterfaceIndex, address: IPAddress, mac: MACAddress?, state: State = .permanent, flags: Flags = []
    ) {
        self.interface = interface
        self.address = address
        self.mac = mac
        self.state = state
        self.flags = flags
    }

    /// Its MAC address may be written into packets: it is known and was not found wrong.
    public var isUsable: Bool {
        mac != nil && !state.isDisjoint(with: [.reachable, .stale, .delay, .probe, .permanent, .noARP])
    }

    /// NUD_… of `linux/neighbour.h`; exactly one but for none.
    public struct State: OptionSet, Hashable, Sendable {
        public let rawValue: UInt16
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        public static let incomplete = State(rawValue: 0x01)
        public static let reachable = State(rawValue: 0x02)
        public static let stale = State(rawValue: 0x04)
        public static let delay = State(rawValue: 0x08)
        public static let probe = State(rawValue: 0x10)
        public static let failed = State(rawValue: 0x20)
        public static let noARP = State(rawValue: 0x40)
        public static let permanent = State(rawValue: 0x80)
    }

    /// NTF_… of `linux/neighbour.h`.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// Look for it now.
        public static let use = Flags(rawValue: 0x01)
        /// An entry that answers ARP or solicitations for somebody else.
        public static let proxy = Flags(rawValue: 0x08)
        public static let externallyLearned = Flags(rawValue: 0x10)
        public static let router = Flags(rawValue: 0x80)
    }
}

extension Neighbour: CustomStringConvertible {
    public var description: String { "\(address) on interface \(interface)" }
}

extension Neighbour {
    /// - Parameter neighbour: a `struct rtnl_neigh`.
    init?(libnl neighbour: OpaquePointer) {
        guard let address = IPAddress(libnl: rtnl_neigh_get_dst(neighbour)) else { return nil }
        self.init(
            interface: InterfaceIndex(rtnl_neigh_get_ifindex(neighbour)),
            address: address,
            mac: MACAddress(libnl: rtnl_neigh_get_lladdr(neighbour)),
            state: State(rawValue: UInt16(truncatingIfNeeded: max(0, rtnl_neigh_get_state(neighbour)))),
            flags: Flags(rawValue: rtnl_neigh_get_flags(neighbour)))
    }

    /// `nil` for entries of a bridge's forwarding table, whose messages have the same types.
    init?(_ message: ReceivedMessage) {
        guard let body = message.body(ndmsg.self), AddressFamily(number: Int32(body.ndm_family)) != nil,
            let neighbour = message.parse({ Neighbour(libnl: $0) })
        else { return nil }
        self = neighbour
    }

    /// Hands `use` the `struct rtnl_neigh` that means the same.
    func withLibnl<Value: ~Copyable>(
        _ use: (OpaquePointer) throws(NetlinkError) -> Value
    ) throws(NetlinkError) -> Value {
        guard let object = rtnl_neigh_alloc() else { fatalError("out of memory") }
        defer { rtnl_neigh_put(object) }
        rtnl_neigh_set_ifindex(object, Int32(interface))
        rtnl_neigh_set_family(object, address.family.number)
        let destination = LibnlAddress(address)
        rtnl_neigh_set_dst(object, destination.pointer)
        if let mac {
            let mac = LibnlAddress(mac)
            rtnl_neigh_set_lladdr(object, mac.pointer)
        }
        rtnl_neigh_set_state(object, Int32(state.rawValue))
        rtnl_neigh_set_flags(object, flags.rawValue)
        return try use(object)
    }
}

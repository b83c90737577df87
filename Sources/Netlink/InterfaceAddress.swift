import CNetlink
import Glibc
import NetworkTypes

/// An address of an interface.
public struct InterfaceAddress: Hashable, Sendable {
    public var interface: InterfaceIndex
    public var address: IPAddress
    /// Bits of the link's prefix.
    public var prefixLength: Int
    /// The far end of a point-to-point interface, where it differs from `address`.
    public var peer: IPAddress?
    public var scope: RouteScope
    public var flags: Flags
    /// Seconds for which new connections may choose it as their source; `nil` for ever, 0 for deprecated.
    public var preferredLifetime: UInt32?
    /// Seconds until the kernel removes it; `nil` for ever.
    public var validLifetime: UInt32?

    public init(
        interface: InterfaceIndex, address: IPAddress, prefixLength: Int, peer: IPAddress? = nil,
        scope: RouteScope? = nil, flags: Flags = [], preferredLifetime: UInt32? = nil, validLifetime: UInt32? = nil
    ) {
        self.interface = interface
        self.address = address
        self.prefixLength = prefixLength
        self.peer = peer
        self.scope = scope ?? (address.isLoopback ? .host : address.isLinkLocal ? .link : .universe)
        self.flags = flags
        self.preferredLifetime = preferredLifetime
        self.validLifetime = validLifetime
    }

    /// Not chosen for new connections (RFC 4862, section 5.5.4).
    public var isDeprecated: Bool { flags.contains(.deprecated) || preferredLifetime == 0 }
    /// Still, or in vain, in duplicate address detection: not usable as a source.
    public var isTentative: Bool { !flags.isDisjoint(with: [.tentative, .duplicate]) }

    /// IFA_F_… of `linux/if_addr.h`.
    public struct Flags: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32
        public init(rawValue: UInt32) { self.rawValue = rawValue }

        /// IPv4: not the first address of its prefix on this interface.
        public static let secondary = Flags(rawValue: 0x01)
        /// IPv6: in use at once, without duplicate address detection.
        public static let noDuplicateDetection = Flags(rawValue: 0x02)
        public static let optimistic = Flags(rawValue: 0x04)
        /// Duplicate address detection found another owner.
        public static let duplicate = Flags(rawValue: 0x08)
        public static let homeAddress = Flags(rawValue: 0x10)
        public static let deprecated = Flags(rawValue: 0x20)
        public static let tentative = Flags(rawValue: 0x40)
        public static let permanent = Flags(rawValue: 0x80)
        /// The kernel makes no route to the prefix.
        public static let noPrefixRoute = Flags(rawValue: 0x200)
    }
}

extension InterfaceAddress: CustomStringConvertible {
    public var description: String { "\(address)/\(prefixLength) on interface \(interface)" }
}

/// rtm_scope and ifa_scope: how far an address or a route is good for.
public struct RouteScope: RawRepresentable, Hashable, Sendable {
    public let rawValue: UInt8
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let universe = RouteScope(rawValue: 0)
    public static let site = RouteScope(rawValue: 200)
    public static let link = RouteScope(rawValue: 253)
    public static let host = RouteScope(rawValue: 254)
    public static let nowhere = RouteScope(rawValue: 255)
}

extension InterfaceAddress {
    /// - Parameter address: a `struct rtnl_addr`.
    init?(libnl object: OpaquePointer) {
        // With a peer, IFA_ADDRESS is the peer's; without, both are the same.
        guard let address = IPAddress(libnl: rtnl_addr_get_local(object)) else { return nil }
        let peer = IPAddress(libnl: rtnl_addr_get_peer(object))
        self.init(
            interface: InterfaceIndex(rtnl_addr_get_ifindex(object)),
            address: address,
            prefixLength: Int(rtnl_addr_get_prefixlen(object)),
            peer: peer == address ? nil : peer,
            scope: RouteScope(rawValue: UInt8(truncatingIfNeeded: rtnl_addr_get_scope(object))),
            flags: Flags(rawValue: rtnl_addr_get_flags(object)),
            preferredLifetime: lifetime(rtnl_addr_get_preferred_lifetime(object)),
            validLifetime: lifetime(rtnl_addr_get_valid_lifetime(object)))
    }

    init?(_ message: ReceivedMessage) {
        guard let body = message.body(ifaddrmsg.self), AddressFamily(number: Int32(body.ifa_family)) != nil,
            let address = message.parse({ InterfaceAddress(libnl: $0) })
        else { return nil }
        self = address
    }

    /// Hands `use` the `struct rtnl_addr` that means the same.
    func withLibnl<Value: ~Copyable>(
        _ use: (OpaquePointer) throws(NetlinkError) -> Value
    ) throws(NetlinkError) -> Value {
        guard let object = rtnl_addr_alloc() else { fatalError("out of memory") }
        defer { rtnl_addr_put(object) }
        rtnl_addr_set_ifindex(object, Int32(interface))
        rtnl_addr_set_family(object, address.family.number)
        let local = LibnlAddress(address, prefixLength: prefixLength)
        rtnl_addr_set_local(object, local.pointer)
        if let peer {
            let peer = LibnlAddress(peer, prefixLength: prefixLength)
            rtnl_addr_set_peer(object, peer.pointer)
        }
        rtnl_addr_set_prefixlen(object, Int32(prefixLength))
        rtnl_addr_set_scope(object, Int32(scope.rawValue))
        // The kernel answers with these, and does not take them.
        let settable = flags.subtracting([.secondary, .deprecated, .tentative, .permanent, .duplicate])
        rtnl_addr_set_flags(object, settable.rawValue)
        if preferredLifetime != nil || validLifetime != nil {
            rtnl_addr_set_preferred_lifetime(object, preferredLifetime ?? .max)
            rtnl_addr_set_valid_lifetime(object, validLifetime ?? .max)
        }
        return try use(object)
    }
}

private func lifetime(_ seconds: UInt32) -> UInt32? { seconds == .max ? nil : seconds }

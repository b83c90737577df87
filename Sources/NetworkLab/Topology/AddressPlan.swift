import NetworkTypes

/// The addresses of the lab's machines; router numbers begin at 1.
///
///     cn ── net ──┬── ar1 ── (air: bridge br1) ──┐
///                 ├── ar2 ── (air: bridge br2) ──┼── mn
///                 └── ar3 ── (air: bridge br3) ──┘
///
/// with a firewall `fwN` in line at each `arN`.
public enum AddressPlan {
    public static func correspondent(_ family: AddressFamily) -> IPAddress {
        parse(family == .v4 ? "198.51.100.2" : "2001:db8:c::2")
    }

    static func correspondentGateway(_ family: AddressFamily) -> IPAddress {
        parse(family == .v4 ? "198.51.100.1" : "2001:db8:c::1")
    }

    /// The router's address on its core interface, which is its tunnel endpoint too.
    public static func endpoint(_ router: Int, _ family: AddressFamily) -> IPAddress {
        parse(family == .v4 ? "192.0.2.\(16 * router + 2)" : "2001:db8:\(router)::2")
    }

    /// Where the endpoints of all routers are.
    static let core = IPPrefix("192.0.2.0/24")!

    static func coreGateway(_ router: Int, _ family: AddressFamily) -> IPAddress {
        parse(family == .v4 ? "192.0.2.\(16 * router + 1)" : "2001:db8:\(router)::1")
    }

    /// The router's address on its access link.
    public static func gateway(_ router: Int, _ family: AddressFamily) -> IPAddress {
        parse(family == .v4 ? "10.\(router).0.1" : "fd0\(router)::1")
    }

    /// What the router leases addresses from.
    public static func pool(_ router: Int, _ family: AddressFamily) -> IPPrefix {
        IPPrefix(family == .v4 ? "10.\(router).0.0/24" : "fd0\(router)::/64")!
    }

    /// An address of the pool for labs without a daemon, which would lease one.
    public static func fixedNode(_ router: Int, _ family: AddressFamily) -> IPAddress {
        pool(router, family).address(at: 100)!
    }

    /// The gateway that all routers of a lab with a common one have on their access links. In IPv6 it is the link's alone,
    /// beside each router's own.
    static func commonGateway(_ family: AddressFamily) -> IPAddress {
        parse(family == .v4 ? "10.64.0.1" : "fe80::1")
    }

    /// Its station.
    static let commonGatewayMAC = MACAddress(bits: 0x02_fa_00_00_00_01)

    /// Addresses of nodes that roam between routers with a common gateway: in IPv4 the same block everywhere, in IPv6
    /// those of each router.
    static func roamingBlock(_ router: Int, _ family: AddressFamily) -> IPPrefix {
        family == .v4 ? IPPrefix("10.64.0.0/24")! : pool(router, .v6)
    }

    /// The address that such a node has at its first router, and keeps.
    public static func roamingNode(_ router: Int, _ family: AddressFamily) -> IPAddress {
        roamingBlock(router, family).address(at: 100)!
    }

    /// Addresses of nodes that are frames only, see ``Crowd``.
    static let crowdBlock = IPPrefix("10.65.0.0/16")!

    /// Further outside addresses of a router, as its configuration has them. No packet comes back to them.
    /// - Parameter count: 1 to 255.
    static func furtherOutside(_ router: Int, count: Int) -> String { "198.18.\(router).1-198.18.\(router).\(count)" }

    /// Where nobody is, for flows that have no answer.
    static let nowhere = IPPrefix("203.0.113.0/24")!

    /// The router's and the server's end of the link to a one-legged server.
    static func serverLink(_ router: Int, _ family: AddressFamily) -> (router: IPAddress, server: IPAddress) {
        family == .v4
            ? (parse("10.200.\(router).1"), parse("10.200.\(router).2"))
            : (parse("fd20:\(router)::1"), parse("fd20:\(router)::2"))
    }

    static func coreLength(_ family: AddressFamily) -> Int { family == .v4 ? 28 : 64 }
    static func linkLength(_ family: AddressFamily) -> Int { family == .v4 ? 24 : 64 }

    private static func parse(_ text: String) -> IPAddress { IPAddress(text)! }
}

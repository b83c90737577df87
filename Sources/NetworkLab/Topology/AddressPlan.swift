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

import NetworkTypes

/// `[mobile-node]`: this machine moves between access routers and keeps its flows.
public struct MobileNodeSettings: Sendable {
    /// `id`: the node's number, 1 to 2³² - 1.
    public var id: UInt64 = 0
    /// `spi`: security parameters index of its key, the same at every router.
    public var spi: UInt32 = 0
    /// `key` or `key-file`: hexadecimal digits, at least 32.
    public var key: [UInt8] = []
    /// `port`: UDP port of the anchor protocol. Default: 4346.
    public var port: UInt16 = 4346
    /// `interfaces`: that may attach, the preferred one first.
    public var interfaces: [String] = []
    /// `families`: addresses to ask for, `v4`, `v6`. Default: both.
    public var families: Set<AddressFamily> = [.v4, .v6]
    /// `tunnel`: `ipip`, or `gre` with the key that the anchor names. Default: ipip.
    public var tunnel = Tunnel.ipip
    /// `sequenced`: GRE with sequence numbers, so that no older packet is delivered after a newer one [0054].
    /// Default: false.
    public var isSequenced = false
    /// `bicast`: while attached at two places, copies are sent on both ways [0052]. Default: true.
    public var bicast = true
    /// `flow-capacity`: flows that the table holds, rounded up to a power of two. Default: 65536.
    public var flowCapacity = 65536
    /// `linger`: seconds that an address without flows is kept after a move. Default: 2.
    public var linger = 2.0
    /// `router-lifetime`: seconds of silence after which a router is looked for again. Default: 10.
    public var routerLifetime = 10.0
    /// `udp-idle`: seconds after which a silent UDP flow has ended. Default: 180.
    public var udpIdle = 180.0
    /// `tunnel-ttl`: TTL or hop limit of outer headers. Default: 64.
    public var tunnelTTL: UInt8 = 64
    /// `tunnel-dscp`: DSCP of outer headers, 0 to 63. Default: that of the inner packet.
    public var tunnelDSCP: UInt8?

    public enum Tunnel: String, Sendable, CaseIterable { case ipip, gre }

    public init() {}

    init(_ reader: TableReader, folder: String) {
        let security = SecuritySettings(reader, folder: folder)
        id = security.id
        spi = security.spi
        key = security.key
        port = reader.integer("port", in: 1...65535).map { UInt16($0) } ?? port
        let names = reader.list("interfaces", of: interfaceRule, interfaceName)
        interfaces = reader.required("interfaces", names, "the interfaces that may attach") ?? []
        if names?.isEmpty == true { reader.problem("interfaces", "at least one is needed") }
        for (place, name) in interfaces.enumerated() where interfaces.prefix(place).contains(name) {
            reader.problem("interfaces[\(place)]", "'\(name)' is listed twice")
        }
        let asked = reader.list("families", of: "\"v4\" or \"v6\"") { text in
            text == "v4" ? AddressFamily.v4 : text == "v6" ? .v6 : nil
        }
        if let asked {
            families = Set(asked)
            if families.isEmpty { reader.problem("families", "at least one is needed") }
        }
        tunnel = reader.choice("tunnel") ?? tunnel
        isSequenced = reader.boolean("sequenced") ?? isSequenced
        if isSequenced && tunnel != .gre {
            reader.problem("sequenced", "only GRE has sequence numbers: tunnel = \"gre\"")
        }
        bicast = reader.boolean("bicast") ?? bicast
        flowCapacity = reader.integer("flow-capacity", in: 16...(1 << 26)) ?? flowCapacity
        linger = reader.seconds("linger", in: 0...3600) ?? linger
        routerLifetime = reader.seconds("router-lifetime", in: 0.3...3600) ?? routerLifetime
        udpIdle = reader.seconds("udp-idle", in: 1...86400) ?? udpIdle
        tunnelTTL = reader.integer("tunnel-ttl", in: 1...255).map { UInt8($0) } ?? tunnelTTL
        tunnelDSCP = reader.integer("tunnel-dscp", in: 0...63).map { UInt8($0) }
        reader.finish()
    }
}

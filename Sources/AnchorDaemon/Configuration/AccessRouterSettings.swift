import NetworkTypes

/// `[access-router]`: this machine serves access links and anchors flows.
public struct AccessRouterSettings: Sendable {
    /// `id`: the router's number in its messages, 1 to 2⁶³ - 1. Default: the lower half of its first endpoint.
    public var id: UInt64 = 0
    /// `port`: UDP port of the anchor protocol. Default: 4346.
    public var port: UInt16 = 4346
    /// `endpoints`: tunnel endpoints (oA), addresses of this machine that the core routes to it; at most one a family.
    public var endpoints: [IPAddress] = []
    /// `core-interfaces`: the interfaces towards the Internet.
    public var coreInterfaces: [String] = []
    /// `[[access-router.access]]`
    public var access: [AccessLinkSettings] = []
    /// `[[access-router.server]]`
    public var servers: [ServerSettings] = []
    /// `[[access-router.node]]`
    public var nodes: [NodeSettings] = []
    /// `[access-router.nat]`: without it nothing is translated.
    public var nat: NATSettings?
    /// `host-capacity`: hosts that the table holds, rounded up to a power of two; 128 bytes each. Default: 65536.
    public var hostCapacity = 65536
    /// `lease-lifetime`: seconds that a lease lives without a refresh. Default: 600.
    public var leaseLifetime = 600.0
    /// `inactivity`: seconds without a packet after which a binding elsewhere is removed [0050]. Default: 7440.
    public var inactivity = 7440.0
    /// `grace`: seconds that packets from a former care-of address are accepted. Default: 1.
    public var grace = 1.0
    /// `quarantine`: seconds before a released address is given to another node. Default: 60.
    public var quarantine = 60.0
    /// `advertisement-interval`: seconds between unsolicited advertisements. Default: 3.
    public var advertisementInterval = 3.0
    /// `unaware-inactivity`: seconds without a packet after which a host that needs no lease is forgotten. Default: 7440.
    public var unawareInactivity = 7440.0
    /// `unaware-limit`: addresses without a lease that one station may have at once. Default: 8.
    public var unawareLimit = 8
    /// `bicast`: hosts attached at two places get copies on both ways [0052]. Default: true.
    public var bicast = true
    /// `core-mtu`: bytes of an IP packet that fit every way through the core. Default: 1500.
    public var coreMTU: UInt16 = 1500
    /// `clamp-mss`: TCP SYNs are made to announce segments that fit the tunnels. Default: true.
    public var clampMSS = true
    /// `tunnel-ttl`: TTL or hop limit of outer headers. Default: 64.
    public var tunnelTTL: UInt8 = 64
    /// `tunnel-dscp`: DSCP of outer headers, 0 to 63. Default: that of the inner packet.
    public var tunnelDSCP: UInt8?
    /// `unknown-source`: `drop`, or `pass` to the kernel, what comes from an address that is not leased. Default: drop.
    public var unknownSource = UnknownSource.drop
    /// `xdp-mode`: `auto` (native, or else generic), `native` or `generic`. Default: auto.
    public var xdpMode = XDPModeChoice.auto
    /// `message-rate`: messages a second of one source that are looked at. Default: 200.
    public var messageRate = 200
    /// `message-burst`: messages of one source that may come at once. Default: 64.
    public var messageBurst = 64

    public enum UnknownSource: String, Sendable, CaseIterable { case drop, pass }
    public enum XDPModeChoice: String, Sendable, CaseIterable { case auto, native, generic }

    public init() {}

    init(_ reader: TableReader, folder: String) {
        readAddresses(reader)
        access = reader.tables("access").map { AccessLinkSettings($0) }
        servers = reader.tables("server").map { ServerSettings($0) }
        nodes = reader.tables("node").map { NodeSettings($0, folder: folder) }
        nat = reader.table("nat").map { NATSettings($0, access: access) }
        readLimits(reader)
        AccessRouterChecks(self, reader).run()
        reader.finish()
    }

    private mutating func readAddresses(_ reader: TableReader) {
        let listed = reader.list("endpoints", of: "an IP address") { IPAddress($0) }
        endpoints = reader.required("endpoints", listed, "addresses of this machine that tunnels end at") ?? []
        let core = reader.list("core-interfaces", of: "an interface name", interfaceName)
        coreInterfaces = reader.required("core-interfaces", core, "the interfaces towards the Internet") ?? []
        id = reader.integer("id", in: 1...Int.max).map { UInt64($0) } ?? ((endpoints.first?.low ?? 0) & UInt64(Int.max))
        port = reader.integer("port", in: 1...65535).map { UInt16($0) } ?? port
    }

    private mutating func readLimits(_ reader: TableReader) {
        hostCapacity = reader.integer("host-capacity", in: 16...(1 << 26)) ?? hostCapacity
        leaseLifetime = reader.seconds("lease-lifetime", in: 10...864000) ?? leaseLifetime
        inactivity = reader.seconds("inactivity", in: 10...8_640_000) ?? inactivity
        grace = reader.seconds("grace", in: 0...60) ?? grace
        quarantine = reader.seconds("quarantine", in: 0...86400) ?? quarantine
        advertisementInterval = reader.seconds("advertisement-interval", in: 0.1...1800) ?? advertisementInterval
        unawareInactivity = reader.seconds("unaware-inactivity", in: 10...8_640_000) ?? unawareInactivity
        unawareLimit = reader.integer("unaware-limit", in: 1...65536) ?? unawareLimit
        bicast = reader.boolean("bicast") ?? bicast
        coreMTU = reader.integer("core-mtu", in: 1280...9216).map { UInt16($0) } ?? coreMTU
        clampMSS = reader.boolean("clamp-mss") ?? clampMSS
        tunnelTTL = reader.integer("tunnel-ttl", in: 1...255).map { UInt8($0) } ?? tunnelTTL
        tunnelDSCP = reader.integer("tunnel-dscp", in: 0...63).map { UInt8($0) }
        unknownSource = reader.choice("unknown-source") ?? unknownSource
        xdpMode = reader.choice("xdp-mode") ?? xdpMode
        messageRate = reader.integer("message-rate", in: 1...1_000_000) ?? messageRate
        messageBurst = reader.integer("message-burst", in: 1...1_000_000) ?? messageBurst
    }
}

/// `[[access-router.access]]`: an access link and the addresses that it hands out.
public struct AccessLinkSettings: Sendable {
    /// `interface`
    public var interface = ""
    /// `gateway`: the router's own addresses on the link with the length of their prefix, at most one a family.
    public var gateways: [GatewayAddress] = []
    /// `pools`: blocks that addresses are leased from.
    public var pools: [IPPrefix] = []
    /// `unaware`: blocks whose addresses need no lease: who sends from one is let in by its first packet [0077].
    public var unaware: [IPPrefix] = []
    /// `advertise`: this router tells nodes on the link which IPv6 addresses to use (RFC 4861): those of the block that
    /// its gateway is in, and those of the other blocks of `unaware` only for what began with them. Default: false.
    public var advertises = false
    /// `servers`: names of the servers that its hosts' packets pass, from the node outwards. Default: all, in the
    /// order of the file.
    public var servers: [String]?

    /// All addresses that hosts can have on the link.
    public var blocks: [IPPrefix] { pools + unaware }

    public init() {}

    init(_ reader: TableReader) {
        let name = reader.parsed("interface", as: interfaceRule, interfaceName)
        interface = reader.required("interface", name, "the interface towards the nodes") ?? ""
        let gateway = reader.list("gateway", of: "an address with a prefix length, such as 10.1.0.1/24") {
            GatewayAddress($0)
        }
        gateways = reader.required("gateway", gateway, "the router's own addresses on the link") ?? []
        let blocks = reader.list("pools", of: "an address block, such as 10.1.0.0/24") { IPPrefix($0) }
        unaware = reader.list("unaware", of: "an address block, such as 192.168.1.0/24") { IPPrefix($0) } ?? []
        // One of the two it takes to have any hosts.
        pools =
            unaware.isEmpty
            ? reader.required("pools", blocks, "the blocks that addresses are leased from") ?? [] : blocks ?? []
        advertises = reader.boolean("advertise") ?? advertises
        servers = reader.list("servers", of: "a name") { $0 }
        reader.finish()
    }
}

/// An address of an interface together with the length of its prefix, such as `10.1.0.1/24`.
public struct GatewayAddress: Hashable, Sendable, LosslessStringConvertible {
    public var address: IPAddress
    /// In bits.
    public var prefixLength: Int

    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(String(parts[0])), let length = Int(parts[1]),
            (0...address.family.addressBits).contains(length)
        else { return nil }
        self.address = address
        prefixLength = length
    }

    public var description: String { "\(address)/\(prefixLength)" }
    /// The link's block.
    public var prefix: IPPrefix? { IPPrefix(address, length: prefixLength) }
}

let interfaceRule = "an interface name (1 to 15 bytes, without '/' and blanks)"

func interfaceName(_ text: String) -> String? {
    let isName = (1...15).contains(text.utf8.count) && !text.contains { $0 == "/" || $0.isWhitespace }
    return isName && text != "." && text != ".." ? text : nil
}

import NetworkTypes

/// A host whose IPv4 packets are translated, and what it has for that (RFC 6888).
public struct SubscriberModel: Hashable, Sendable, Codable {
    public var inside: IPAddress
    /// The address that all its flows leave from.
    public var outside: IPAddress
    /// Its blocks of ports, first and last: `1024-1535`.
    public var ports: [String]
    /// Ports in use; of ICMP, identifiers.
    public var tcp: Int
    public var udp: Int
    public var icmp: Int
    public var flows: Int
    /// Flows that it may have at once.
    public var flowLimit: Int
    /// Flows that found no port or were over the limit.
    public var refused: UInt64

    public init(
        inside: IPAddress, outside: IPAddress, ports: [String], tcp: Int, udp: Int, icmp: Int, flows: Int,
        flowLimit: Int, refused: UInt64
    ) {
        self.inside = inside
        self.outside = outside
        self.ports = ports
        self.tcp = tcp
        self.udp = udp
        self.icmp = icmp
        self.flows = flows
        self.flowLimit = flowLimit
        self.refused = refused
    }
}

/// A flow that an access router translates, or sends to the router where it began, which does.
public struct TranslatedFlowModel: Hashable, Sendable, Codable {
    /// `tcp`, `udp` or `icmp`.
    public var transport: String
    /// MN, by its own address and port; of an ICMP query its identifier.
    public var inside: IPAddress
    public var insidePort: UInt16
    /// The neighbour where it began; absent if that was here.
    public var anchor: String?
    /// As the correspondent knows it; absent if it began elsewhere.
    public var outside: IPAddress?
    public var outsidePort: UInt16?
    /// CN.
    public var correspondent: IPAddress
    public var correspondentPort: UInt16
    /// `opening`, `established` or `closing` for TCP, `open` for the others; `away` if it began elsewhere.
    public var state: String
    /// Since the last packet of the host, and of the correspondent, in seconds; of one that never sent, since the flow
    /// began.
    public var idleUp: Double
    public var idleDown: Double

    public init(
        transport: String, inside: IPAddress, insidePort: UInt16, anchor: String? = nil, outside: IPAddress?,
        outsidePort: UInt16?, correspondent: IPAddress, correspondentPort: UInt16, state: String, idleUp: Double,
        idleDown: Double
    ) {
        self.transport = transport
        self.inside = inside
        self.insidePort = insidePort
        self.anchor = anchor
        self.outside = outside
        self.outsidePort = outsidePort
        self.correspondent = correspondent
        self.correspondentPort = correspondentPort
        self.state = state
        self.idleUp = idleUp
        self.idleDown = idleDown
    }
}

/// Which translated flows are asked for.
public struct TranslatedFlowQuery: Hashable, Sendable {
    /// Those of a host, by its inside address.
    public var host: IPAddress?
    /// Those of a protocol.
    public var transport: Transport?
    /// At most so many.
    public var limit: Int

    public enum Transport: String, Hashable, Sendable, CaseIterable, Codable {
        case tcp, udp, icmp
    }

    public init(host: IPAddress? = nil, transport: Transport? = nil, limit: Int = 1000) {
        self.host = host
        self.transport = transport
        self.limit = limit
    }
}

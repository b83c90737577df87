import NetworkTypes

/// What a path is for. Paths are shared: equal specifications are one path, whatever number of hosts
/// use it, and it keeps its index when its next hop's link address changes.
public struct PathSpecification: Hashable, Sendable {
    public var nextHop: NextHop
    /// What is put in front of the packet.
    public var encapsulation: Encapsulation?
    /// Largest packet that gets through behind the next hop, outer headers included, in bytes, where it
    /// is smaller than the link's MTU (path MTU discovery).
    public var pathMTU: UInt16?

    public init(nextHop: NextHop, encapsulation: Encapsulation? = nil, pathMTU: UInt16? = nil) {
        self.nextHop = nextHop
        self.encapsulation = encapsulation
        self.pathMTU = pathMTU
    }
}

/// Who gets the packet next.
public enum NextHop: Hashable, Sendable {
    /// The host itself, on the access link `port`; its MAC is in its own entry.
    case host(port: PortIndex)
    /// A neighbour on the link of `port`, by its address.
    case neighbour(IPAddress, port: PortIndex)
    /// A station known by its MAC alone, such as a transparent server's leg; zero leaves the frame's
    /// own destination address as it is.
    case station(MACAddress, port: PortIndex)
    /// The kernel, after the packet was changed: it knows the way.
    case kernel
    /// Nobody: the packet is dropped under this reason.
    case drop(Reason)
}

/// An outer header.
public struct Encapsulation: Hashable, Sendable {
    /// Outer source: one of this machine's tunnel endpoints, or a mobile node's current address. Its
    /// family is that of the outer header.
    public var source: IPAddress
    /// Outer destination; `nil`: the `peer` of the host's entry.
    public var destination: IPAddress?
    /// Without the key and its number, which are the host's.
    public var kind: EncapsulationKind
    /// TTL or hop limit of the outer header.
    public var ttl: UInt8
    /// `nil`: the inner packet's DSCP is copied. Otherwise the DSCP of the outer header, 0…63.
    public var dscp: UInt8?

    public init(
        source: IPAddress, destination: IPAddress? = nil, kind: EncapsulationKind, ttl: UInt8 = 64, dscp: UInt8? = nil
    ) {
        self.source = source
        self.destination = destination
        self.kind = kind
        self.ttl = ttl
        self.dscp = dscp
    }

    /// Bytes that it adds in front of a packet.
    public var overhead: Int {
        let header = source.isV4 ? 20 : 40
        switch kind {
        case .ipip: return header
        case .gre(let sequenced): return header + (sequenced ? 12 : 8)
        }
    }
}

/// The kind of an outer header.
public enum EncapsulationKind: Hashable, Sendable {
    case ipip
    case gre(sequenced: Bool)

    public init(_ kind: TunnelKind) {
        switch kind {
        case .ipip: self = .ipip
        case .gre(_, let sequenced): self = .gre(sequenced: sequenced)
        }
    }
}

/// What is known of the link towards a next hop.
public struct NextHopResolution: Hashable, Sendable {
    /// The neighbour's MAC; `nil` while it isn't known: packets then go to the kernel, which resolves it.
    public var destination: MACAddress?

    public init(destination: MACAddress?) {
        self.destination = destination
    }
}

/// A path as it is in the table.
public struct PathEntry: Hashable, Sendable {
    public var index: PathIndex
    public var specification: PathSpecification
    /// Whether its Ethernet header is known.
    public var isResolved: Bool
    /// Largest IP packet that fits before anything is pushed, in bytes.
    public var mtu: UInt16
    /// Hosts, chains, ports and routes that name it.
    public var users: UInt32

    public init(index: PathIndex, specification: PathSpecification, isResolved: Bool, mtu: UInt16, users: UInt32) {
        self.index = index
        self.specification = specification
        self.isResolved = isResolved
        self.mtu = mtu
        self.users = users
    }
}

import NetworkTypes

/// A packet that is asked about: what would an access router do if it came now?
public struct PacketQuery: Hashable, Sendable {
    /// `tcp,10.0.0.1:5000,203.0.113.9:80` from the host to its correspondent, IPv6 addresses in brackets; for an echo
    /// request `icmp`, with its identifier as the host's port.
    public var flow: String
    public var direction: Direction
    /// Where it comes in; absent: where packets of its source come in.
    public var interface: String?
    /// The tunnel that it comes in, from and to; absent: the one that its source's packets come in, if it is elsewhere.
    public var tunnel: [IPAddress]?
    /// Of a GRE tunnel.
    public var key: UInt32?
    public var sequence: UInt32?
    /// The station that sends it; absent: the source's own.
    public var mac: MACAddress?
    /// TCP: a SYN.
    public var opens: Bool
    /// Of the IP packet, without a tunnel's headers, in bytes.
    public var length: Int?

    public enum Direction: String, Hashable, Sendable, CaseIterable, Codable {
        /// From the host.
        case up
        /// From the correspondent.
        case down
    }

    public init(
        flow: String, direction: Direction = .up, interface: String? = nil, tunnel: [IPAddress]? = nil,
        key: UInt32? = nil, sequence: UInt32? = nil, mac: MACAddress? = nil, opens: Bool = false, length: Int? = nil
    ) {
        self.flow = flow
        self.direction = direction
        self.interface = interface
        self.tunnel = tunnel
        self.key = key
        self.sequence = sequence
        self.mac = mac
        self.opens = opens
        self.length = length
    }
}

/// What the programs of an access router do with a packet, and why.
public struct PacketExplanationModel: Hashable, Sendable, Codable {
    /// Where it comes in, and what that interface is to the router.
    public var interface: String
    public var role: String
    /// Its IP headers, outermost first: `[nA>oA][M>C]`.
    public var headers: String
    /// What is behind them: `tcp 40112>443 SYN`.
    public var content: String
    /// In the order in which they are made.
    public var lookUps: [LookUpModel]
    /// `sent`, `kernel`, `held` for the daemon, or `dropped`.
    public var verdict: String
    /// Under which it is counted; absent: the programs have nothing to do with it.
    public var reason: String?
    public var meaning: String?
    /// Where it leaves; absent if it doesn't, or where the kernel's routes are asked for that.
    public var leavesBy: String?
    /// As it leaves, or as the kernel gets it.
    public var headersAfter: String?
    public var contentAfter: String?

    public init(
        interface: String, role: String, headers: String, content: String, lookUps: [LookUpModel], verdict: String,
        reason: String? = nil, meaning: String? = nil, leavesBy: String? = nil, headersAfter: String? = nil,
        contentAfter: String? = nil
    ) {
        self.interface = interface
        self.role = role
        self.headers = headers
        self.content = content
        self.lookUps = lookUps
        self.verdict = verdict
        self.reason = reason
        self.meaning = meaning
        self.leavesBy = leavesBy
        self.headersAfter = headersAfter
        self.contentAfter = contentAfter
    }
}

/// An entry that is looked for.
public struct LookUpModel: Hashable, Sendable, Codable {
    public var map: String
    /// As in the map's dump; of a route, which is in `fa_config`, the destination.
    public var key: String
    /// Absent: there is none.
    public var found: [String: String]?

    public init(map: String, key: String, found: [String: String]?) {
        self.map = map
        self.key = key
        self.found = found
    }
}

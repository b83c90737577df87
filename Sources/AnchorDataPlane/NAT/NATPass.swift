import NetworkTypes

/// What a part of a pass over the table of translations has found and done. Those of all parts add up.
public struct NATPass: Sendable {
    /// What is there: flows that began here and stay, those that began elsewhere, and mappings and filters that had a
    /// flow when they were looked at.
    public struct Counts: Hashable, Sendable {
        public var tcp = 0
        public var udp = 0
        public var icmp = 0
        public var mappings = 0
        public var filters = 0
        public var awayFlows = 0

        public var flows: Int { tcp + udp + icmp }

        public init() {}

        static func += (a: inout Counts, b: Counts) {
            a.tcp += b.tcp
            a.udp += b.udp
            a.icmp += b.icmp
            a.mappings += b.mappings
            a.filters += b.filters
            a.awayFlows += b.awayFlows
        }
    }

    public var counts = Counts()
    /// Flows that were taken out, and mappings whose ports are free again.
    public var flowsRemoved = 0
    public var mappingsRemoved = 0
    /// Flows that began elsewhere and were taken out.
    public var awayFlowsRemoved = 0
    /// Inside addresses of hosts that lost flows, whether they began here or elsewhere; some may be named twice.
    public var losers: [IPAddress] = []
    /// Slots that nothing belonged to.
    public var orphansRemoved = 0
    /// Subscribers of which nothing is left any more: their blocks are nobody's.
    public var released: [NATSubscriber] = []
    /// Blocks that are nobody's, of subscribers that went before.
    public var freed: [PortBlock] = []
    /// Where to go on; `nil` at the end.
    public var next: Int?

    public init() {}

    /// Adds what the next part of the pass has found.
    public mutating func add(_ part: NATPass) {
        counts += part.counts
        flowsRemoved += part.flowsRemoved
        awayFlowsRemoved += part.awayFlowsRemoved
        losers += part.losers
        mappingsRemoved += part.mappingsRemoved
        orphansRemoved += part.orphansRemoved
        released += part.released
        freed += part.freed
        next = part.next
    }
}

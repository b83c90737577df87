import NetworkTypes

/// The tables that the BPF programs act on, as the daemon sees them. One writer: a second one on the
/// same tables is refused when they are opened. Methods may be called from any thread.
public protocol DataPlane: AnyObject, Sendable {
    // MARK: Hosts

    /// Adds the host, or changes it in place: no packet sees half of two entries or finds none.
    func setHost(_ entry: HostEntry) throws(DataPlaneError)
    /// Many at once, for a start with a million of them.
    func setHosts(_ entries: [HostEntry]) throws(DataPlaneError)
    /// - Returns: whether there was one.
    @discardableResult
    func removeHost(_ key: HostKey) throws(DataPlaneError) -> Bool
    func host(_ key: HostKey) throws(DataPlaneError) -> HostEntry?
    /// Whether tunnelled packets of the host are accepted from this peer, too, beside those from its entry's. At a
    /// router, from a care-of address that the host has just left: those in flight when it moved. On a mobile node,
    /// from each endpoint of the address's anchor, whatever the way to it is.
    func setAdmittedPeer(_ peer: IPAddress, of host: IPAddress, isAdmitted: Bool) throws(DataPlaneError)
    /// Calls `body` with each host and how long no packet of it was seen, until it returns `false`.
    /// Entries that come or go meanwhile may or may not be among them.
    func scanHosts(_ body: (HostEntry, Duration) -> Bool) throws(DataPlaneError)
    /// Calls `body` with the hosts in a part of the table and how long no packet of each was seen, so that nobody has
    /// to wait while all of it is looked at.
    /// - Parameters:
    ///   - place: where to begin, 0 at first.
    ///   - count: places to go through; not each has a host.
    /// - Returns: where to go on; `nil` at the end.
    func scanHosts(
        from place: Int, places count: Int, _ body: (HostEntry, Duration) -> Void
    ) throws(DataPlaneError) -> Int?
    /// The same, of hosts of which a packet was seen within a span; how long ago is given in nanoseconds.
    func scanHosts(
        seenWithin span: Duration, from place: Int, places count: Int, _ body: (IPAddress, Int64) -> Void
    ) throws(DataPlaneError) -> Int?
    /// Hosts of which no packet was seen for `idle` or longer [0050].
    func hosts(idleFor idle: Duration) throws(DataPlaneError) -> [HostKey]
    var hostTable: TableStatistics { get }

    // MARK: Paths

    /// The path for this specification, made if there is none. It lasts while something names it; one
    /// that nothing names is taken back when all are in use, though not within ten seconds of being made.
    func path(for specification: PathSpecification) throws(DataPlaneError) -> PathIndex
    /// Tells where a next hop is: all paths through it are rewritten, atomically for each packet.
    func setNextHop(_ nextHop: NextHop, _ resolution: NextHopResolution) throws(DataPlaneError)
    var paths: [PathEntry] { get }

    // MARK: Other routers

    /// Tells of another router, changes it, or forgets it. Hosts name it by its index.
    /// - Parameter index: 0…31.
    func setRouter(_ index: Int, _ router: RouterEntry?) throws(DataPlaneError)
    var routers: [Int: RouterEntry] { get }

    // MARK: Chains, ports, configuration

    /// - Parameter index: 1…255.
    func setChain(_ index: ChainIndex, _ chain: ServerChain) throws(DataPlaneError)
    func chain(_ index: ChainIndex) -> ServerChain
    /// Describes the interface to the programs; its MAC, MTU and addresses go into the paths through it.
    /// `nil` frees the number.
    func setPort(_ index: PortIndex, _ port: Port?) throws(DataPlaneError)
    func port(_ index: PortIndex) -> Port?
    func setConfiguration(_ configuration: DataPlaneConfiguration) throws(DataPlaneError)
    var configuration: DataPlaneConfiguration { get }

    // MARK: What happened

    /// Packets by reason since the tables were made, those that are 0 included.
    func reasonCounts() throws(DataPlaneError) -> [Reason: UInt64]
}

extension DataPlane {
    /// Many that need not all be held at once.
    public func setHosts(_ entries: some Sequence<HostEntry>) throws(DataPlaneError) {
        var part: [HostEntry] = []
        part.reserveCapacity(512)
        for entry in entries {
            part.append(entry)
            guard part.count == 512 else { continue }
            try setHosts(part)
            part.removeAll(keepingCapacity: true)
        }
        try setHosts(part)
    }
}

/// How full a table is.
public struct TableStatistics: Hashable, Sendable {
    /// Entries, spilled ones included.
    public var entries: Int
    /// Slots of the table.
    public var capacity: Int
    /// Entries that found both their buckets full and are in the spill map.
    public var spilled: Int

    public init(entries: Int, capacity: Int, spilled: Int) {
        self.entries = entries
        self.capacity = capacity
        self.spilled = spilled
    }
}

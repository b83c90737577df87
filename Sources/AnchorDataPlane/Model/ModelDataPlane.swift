import NetworkTypes
import Synchronization

/// The data plane as a model: dictionaries in place of shared memory, and a packet walk written from
/// the rows of the specification rather than from the BPF programs. Tests hold the two against each
/// other; everything above the data plane can be tested on it without privileges.
public final class ModelDataPlane: DataPlane {
    struct Tables {
        var hosts: [HostKey: ModelHost] = [:]
        /// By host.
        var admittedPeers: [IPAddress: Set<IPAddress>] = [:]
        var paths: [PathIndex: PathSpecification] = [:]
        var indices: [PathSpecification: PathIndex] = [:]
        var resolutions: [NextHop: NextHopResolution] = [:]
        var routers: [Int: RouterEntry] = [:]
        var chains: [ChainIndex: ServerChain] = [:]
        var ports: [PortIndex: Port] = [:]
        var configuration = DataPlaneConfiguration()
        var counts: [Reason: UInt64] = [:]
        var duplicates = DuplicateFilter()
        /// Of a mobile node.
        var flows: [FlowKey: ModelFlow] = [:]
        var nat = ModelNAT()
        /// Time since the model began.
        var now = Duration.zero
        /// Of a copy: far ends of tunnels, also of hosts that are not in it.
        var peers: Set<IPAddress> = []
        /// Told of all that is looked up.
        var trace: LookUpTrace? { didSet { nat.trace = trace } }
    }

    /// A host and what its packets have changed.
    struct ModelHost {
        var entry: HostEntry
        var lastSeen: Duration
        var transmitSequence: UInt32 = 0
        var receiveSequence: UInt32?
    }

    let tables = Mutex(Tables())
    let capacity: Int

    /// - Parameter capacity: hosts that it holds.
    public init(capacity: Int = 65536) {
        self.capacity = capacity
    }

    /// Lets time pass: what `scanHosts` reports as idle.
    public func advance(by duration: Duration) {
        tables.withLock { tables in
            tables.now += duration
            tables.nat.now = tables.now
        }
    }

    // MARK: Hosts

    public func setHost(_ entry: HostEntry) throws(DataPlaneError) {
        let isFull = tables.withLock { tables in
            guard tables.hosts[entry.key] != nil || tables.hosts.count < capacity else { return true }
            tables.hosts[entry.key, default: ModelHost(entry: entry, lastSeen: tables.now)].entry = entry
            if let attachment = entry.attachment {
                _ = tables.index(for: PathSpecification(nextHop: .host(port: attachment.port)))
            }
            return false
        }
        if isFull { throw .tableFull(table: "hosts", capacity: capacity) }
    }

    public func setHosts(_ entries: [HostEntry]) throws(DataPlaneError) {
        for entry in entries { try setHost(entry) }
    }

    @discardableResult
    public func removeHost(_ key: HostKey) throws(DataPlaneError) -> Bool {
        tables.withLock { $0.hosts.removeValue(forKey: key) != nil }
    }

    public func host(_ key: HostKey) throws(DataPlaneError) -> HostEntry? {
        tables.withLock { $0.hosts[key]?.entry }
    }

    public func setAdmittedPeer(_ peer: IPAddress, of host: IPAddress, isAdmitted: Bool) throws(DataPlaneError) {
        tables.withLock { tables in
            if isAdmitted {
                tables.admittedPeers[host, default: []].insert(peer)
            } else {
                tables.admittedPeers[host]?.remove(peer)
            }
        }
    }

    /// Peers whose tunnelled packets are accepted for the host beside those of its entry's.
    public func admittedPeers(of host: IPAddress) -> Set<IPAddress> {
        tables.withLock { $0.admittedPeers[host] ?? [] }
    }

    public func scanHosts(_ body: (HostEntry, Duration) -> Bool) throws(DataPlaneError) {
        let (hosts, now) = tables.withLock { (Array($0.hosts.values), $0.now) }
        for host in hosts where !body(host.entry, now - host.lastSeen) { return }
    }

    public func scanHosts(
        from place: Int, places count: Int, _ body: (HostEntry, Duration) -> Void
    ) throws(DataPlaneError) -> Int? {
        let (hosts, now) = tables.withLock { tables in
            (tables.hosts.values.sorted { $0.entry.key.address < $1.entry.key.address }, tables.now)
        }
        let end = count < hosts.count - place ? place + count : hosts.count
        for host in hosts[min(place, end)..<end] { body(host.entry, now - host.lastSeen) }
        return end < hosts.count ? end : nil
    }

    public func scanHosts(
        seenWithin span: Duration, from place: Int, places count: Int, _ body: (IPAddress, Int64) -> Void
    ) throws(DataPlaneError) -> Int? {
        try scanHosts(from: place, places: count) { entry, idle in
            if idle <= span { body(entry.key.address, idle.nanoseconds) }
        }
    }

    public func hosts(idleFor idle: Duration) throws(DataPlaneError) -> [HostKey] {
        tables.withLock { tables in
            tables.hosts.values.filter { tables.now - $0.lastSeen >= idle }.map(\.entry.key)
        }
    }

    public var hostTable: TableStatistics {
        TableStatistics(entries: tables.withLock { $0.hosts.count }, capacity: capacity, spilled: 0)
    }

    // MARK: Paths

    public func path(for specification: PathSpecification) throws(DataPlaneError) -> PathIndex {
        tables.withLock { $0.index(for: specification) }
    }

    public func setNextHop(_ nextHop: NextHop, _ resolution: NextHopResolution) throws(DataPlaneError) {
        tables.withLock { $0.resolutions[nextHop] = resolution }
    }

    public var paths: [PathEntry] {
        tables.withLock { tables in
            tables.paths.map { index, specification in
                PathEntry(
                    index: index, specification: specification, isResolved: tables.isResolved(specification),
                    mtu: tables.mtu(of: specification), users: tables.users(of: index))
            }
        }
    }

    // MARK: Chains, ports, configuration

    public func setChain(_ index: ChainIndex, _ chain: ServerChain) throws(DataPlaneError) {
        tables.withLock { $0.chains[index] = chain }
    }

    public func chain(_ index: ChainIndex) -> ServerChain {
        tables.withLock { $0.chains[index] ?? .bypass }
    }

    public func setPort(_ index: PortIndex, _ port: Port?) throws(DataPlaneError) {
        tables.withLock { $0.ports[index] = port }
    }

    public func port(_ index: PortIndex) -> Port? {
        tables.withLock { $0.ports[index] }
    }

    public func setConfiguration(_ configuration: DataPlaneConfiguration) throws(DataPlaneError) {
        tables.withLock { $0.configuration = configuration }
    }

    public var configuration: DataPlaneConfiguration { tables.withLock { $0.configuration } }

    // MARK: What happened

    public func reasonCounts() throws(DataPlaneError) -> [Reason: UInt64] {
        tables.withLock { tables in
            Dictionary(uniqueKeysWithValues: Reason.all.map { ($0, tables.counts[$0] ?? 0) })
        }
    }
}

extension ModelDataPlane.Tables {
    /// A packet of the host was seen.
    mutating func touch(_ host: ModelDataPlane.ModelHost) { hosts[host.entry.key]?.lastSeen = now }

    /// Whether any host's tunnel ends at this address, or another router is there.
    func isPeer(_ address: IPAddress) -> Bool {
        trace?.note(.peer(address))
        return peers.contains(address) || hosts.values.contains { $0.entry.tunnel?.peer == address }
            || routers.values.contains { $0.address == address }
    }

    /// Whether tunnelled packets of the host are accepted from this peer beside those from its entry's.
    func isAdmitted(_ peer: IPAddress, of host: IPAddress) -> Bool {
        trace?.note(.admitted(host: host, peer: peer))
        return admittedPeers[host]?.contains(peer) == true
    }

    func path(_ index: PathIndex) -> PathSpecification? {
        if index != 0 { trace?.note(.path(index)) }
        return paths[index]
    }

    /// Another router, by its index.
    func router(_ index: Int) -> RouterEntry? {
        trace?.note(.router(index))
        return routers[index]
    }

    /// Whether no packet with this sequence number or a later one was delivered before [0054]; notes that this one is.
    /// Numbers wrap (RFC 2890, section 2.2).
    mutating func advance(_ host: ModelDataPlane.ModelHost, to sequence: UInt32) -> Bool {
        if let last = host.receiveSequence, Int32(bitPattern: sequence &- last) <= 0 { return false }
        hosts[host.entry.key]?.receiveSequence = sequence
        return true
    }

    mutating func index(for specification: PathSpecification) -> PathIndex {
        if let index = indices[specification] { return index }
        let index = PathIndex(paths.count + 1)
        paths[index] = specification
        indices[specification] = index
        return index
    }

    /// The port that a path leaves by; `nil` for the kernel's and for those that drop.
    func port(of specification: PathSpecification) -> PortIndex? {
        switch specification.nextHop {
        case .host(let port), .neighbour(_, let port), .station(_, let port): port
        case .kernel, .drop: nil
        }
    }

    func isResolved(_ specification: PathSpecification) -> Bool {
        switch specification.nextHop {
        case .host, .station: true
        case .neighbour: resolutions[specification.nextHop]?.destination != nil
        case .kernel, .drop: false
        }
    }

    /// Where the kernel's routes are asked instead of the default path: a model has no kernel beside it, and leaves the
    /// packet to it.
    var pathByKernel: PathIndex? {
        configuration.routesByKernel ? indices[PathSpecification(nextHop: .kernel)] : nil
    }

    /// Largest IP packet that fits before anything is pushed, in bytes.
    func mtu(of specification: PathSpecification) -> UInt16 {
        let link = port(of: specification).flatMap { ports[$0]?.mtu } ?? .max
        let path = min(link, specification.pathMTU ?? .max)
        return path - UInt16(min(Int(path), specification.encapsulation?.overhead ?? 0))
    }

    func users(of index: PathIndex) -> UInt32 {
        let byHosts = hosts.values.count { $0.entry.tunnel?.path == index }
        let byChains = chains.values.count {
            if case .through(let up, let down) = $0 { up == index || down == index } else { false }
        }
        let byRouters = routers.values.count { $0.path == index }
        let byPorts = ports.values.count { $0.nextUp == index || $0.nextDown == index }
        let byRoutes =
            configuration.routes.count { $0.path == index }
            + (configuration.defaultPathV4 == index ? 1 : 0) + (configuration.defaultPathV6 == index ? 1 : 0)
        return UInt32(byHosts + byRouters + byChains + byPorts + byRoutes)
    }
}

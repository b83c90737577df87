import AnchorProtocol
import NetworkTypes

/// The control plane of an access router: discovery, leases, the host table [0036] and who may change it. It does
/// no input or output: it takes an event and the time and returns what to do.
///
/// One instance for a router, used from one place at a time. After a restart it is made anew from the records that
/// were stored; the first actions put back what the data plane should hold.
public struct AccessRouter: Sendable {
    public let configuration: AccessRouterConfiguration

    var hosts: HostStore
    var nodes: [NodeState] = []
    /// Places in `nodes` by their numbers.
    let nodeByID: NumberIndex
    var keys = KeyRing()
    /// One a link, in the order of the configuration.
    var pools: [AddressPool]
    /// Places of links in the configuration by their interfaces' numbers.
    let linkIndex: NumberIndex
    var linkIsUp: [Bool]
    var expiries = DeadlineHeap()
    var operations = FirstInFirstOut<PendingOperation>()
    /// The latest accepted location of hosts with changes that storage has not confirmed.
    var accepted: [UInt32: StoredLocation] = [:]
    var graces = FirstInFirstOut<Grace>()
    var graceBySlot: [UInt32: Grace] = [:]
    var nextRecord: RecordNumber = 1
    var nextAdvertisement: [MonotonicInstant?]
    var sequence: UInt32 = 0
    var limiter: SourceLimiter
    var random: SeededRandom
    /// Restored leases that stand for nothing any more, by address: their nodes or pools are not configured.
    var orphans: [IPAddress: HostRecord] = [:]
    /// Hosts that have expired, whose removal waits for storage.
    var expiring = 0
    /// Hosts by where they are.
    public internal(set) var places = HostPlaces()

    /// A former care-of address that is accepted from until a moment.
    struct Grace: Hashable, Sendable {
        let slot: UInt32
        let generation: UInt32
        let peer: IPAddress
        let until: MonotonicInstant
    }

    /// - Parameter records: what an earlier run stored, in the order of the journal.
    /// - Throws: `KeyError` for a node whose key or security parameters index cannot be.
    public init(
        _ configuration: AccessRouterConfiguration, restoring records: [AccessRouterRecord] = []
    ) throws(KeyError) {
        self.configuration = configuration
        random = SeededRandom(seed: configuration.randomSeed ^ UInt64(configuration.epoch) << 32)
        hosts = HostStore(seed: configuration.randomSeed &* 0x9e37_79b9_7f4a_7c15)
        limiter = SourceLimiter(configuration.rateLimit, key: random.next())
        let reserved = Set(configuration.endpoints + configuration.links.flatMap(\.gateways))
        pools = configuration.links.map { AddressPool($0.pools, reserved: reserved) }
        linkIsUp = configuration.links.map { _ in true }
        nextAdvertisement = configuration.links.map { _ in nil }
        linkIndex = NumberIndex(configuration.links.map { UInt64($0.interface.number) })
        nodeByID = NumberIndex(configuration.nodes.map(\.id))
        for account in configuration.nodes {
            let association = try SecurityAssociation(spi: account.spi, node: account.id, key: account.key)
            keys.insert(association)
            nodes.append(NodeState(account: account, association: association))
        }
        restore(records)
    }

    public mutating func handle(_ event: AccessRouterEvent, at now: MonotonicInstant) -> [AccessRouterAction] {
        var actions: [AccessRouterAction] = []
        switch event {
        case .datagram(let datagram): receive(datagram, at: now, &actions)
        case .persisted(let number): complete(through: number, at: now, &actions)
        case .persistFailed(let numbers): fail(numbers, at: now, &actions)
        case .activity(let hosts): note(hosts)
        case .timer: break
        case .link(let interface, let isUp): setLink(interface, isUp: isUp, at: now, &actions)
        case .delete(let address): delete(address, &actions)
        }
        runTimers(at: now, &actions)
        return actions
    }

    /// When `.timer` is due; `nil` for never.
    public var nextDeadline: MonotonicInstant? {
        // With as many under way as there may be, storage is what is waited for.
        var earliest = expiring < Self.mostExpiring ? expiries.earliest : nil
        for candidate in [graces.first?.until] + nextAdvertisement {
            guard let candidate else { continue }
            earliest = min(earliest ?? candidate, candidate)
        }
        return earliest
    }

    func endpoint(_ family: AddressFamily) -> IPAddress? {
        configuration.endpoints.first { $0.family == family }
    }

    /// The endpoints that are told to nodes, at most one a family.
    var advertisedEndpoints: [IPAddress] { AddressFamily.allCases.compactMap(endpoint) }

    func location(of slot: UInt32) -> HostLocation? { hosts[slot].location.location(endpoint: { endpoint($0) }) }

    /// The location that the host will have when all accepted changes are stored.
    func latestLocation(of slot: UInt32) -> StoredLocation { accepted[slot] ?? hosts[slot].location }

    /// The binding to put in force for a host; `nil` while it has no location.
    func binding(of slot: UInt32) -> HostBinding? {
        guard let location = location(of: slot) else { return nil }
        let host = hosts[slot]
        return HostBinding(
            address: host.address, node: nodes[Int(host.node)].account.id, location: location,
            alsoAcceptedFrom: host.hasGrace ? graceBySlot[slot]?.peer : nil,
            chain: configuration.links[Int(host.link)].chain)
    }
}

import AnchorCore
import NetworkTypes

/// What a simulation consists of; all of it follows from the seed.
public struct Scenario: Sendable {
    public let seed: UInt64
    public var routers: Int
    public var linksPerRouter: Int
    public var nodes: Int
    public var interfacesPerNode: Int
    public var families: Set<AddressFamily>
    public var tunnel: TunnelPreference
    public var bicast: Bool
    /// Of a thousand control datagrams.
    public var lossPerMille: Int
    public var duplicationPerMille: Int
    /// Largest one-way delay of the core in milliseconds; delays are drawn anew for each datagram, so they overtake one
    /// another.
    public var longestDelay: Int
    /// Of a thousand writes of the journal.
    public var storageFailuresPerMille: Int
    public var leaseLifetime: TimeSpan
    /// How long things go wrong.
    public var turmoil: TimeSpan
    /// Smallest and largest milliseconds between two things that go wrong.
    public var pace: ClosedRange<Int>
    /// With short leases a flow may end when its node was cut off for too long.
    public var mayLoseFlows: Bool
    public var tampering = Tampering()

    public init(seed: UInt64) {
        self.seed = seed
        var chance = Chance(seed: seed)
        routers = chance.number(in: 2...4)
        linksPerRouter = chance.isHit(perMille: 250) ? 2 : 1
        nodes = chance.number(in: 1...4)
        interfacesPerNode = chance.number(in: 1...2)
        families = chance.pick([[.v4], [.v6], [.v4, .v6]])!
        tunnel = chance.pick([.ipInIP, .gre(sequenced: false), .gre(sequenced: true)])!
        bicast = chance.isHit(perMille: 500)
        lossPerMille = chance.pick([0, 20, 100, 300])!
        duplicationPerMille = chance.pick([0, 50, 200])!
        longestDelay = chance.pick([1, 20, 200])!
        storageFailuresPerMille = chance.pick([0, 0, 50])!
        mayLoseFlows = chance.isHit(perMille: 300)
        leaseLifetime = .seconds(mayLoseFlows ? 12 : 600)
        turmoil = .seconds(chance.number(in: 8...25))
        pace = chance.pick([50...400, 300...1500, 500...4000])!
    }
}

/// Ways to break the simulated world in order to see that the simulation notices. Each takes what the real thing wants
/// and returns what is done instead; tests plant a bug so, and no production code has a switch for it.
public struct Tampering: Sendable {
    /// Of routers; `nil` suppresses the action.
    public var routerAction: @Sendable (AccessRouterAction) -> AccessRouterAction? = { $0 }
    public var nodeAction: @Sendable (MobileNodeAction) -> MobileNodeAction? = { $0 }
    /// What a restarted router finds in its journal.
    public var restored: @Sendable ([AccessRouterRecord]) -> [AccessRouterRecord] = { $0 }
    /// Confirms records before they are stored.
    public var confirmsTooEarly = false
    /// A router passes tunnelled packets of other anchors through its own server.
    public var serversSeeForeignTunnels = false

    public init() {}
}

import AnchorCore
import AnchorProtocol
import NetworkTypes

/// What a simulation of roaming hosts consists of; all of it follows from the seed.
public struct RoamingScenario: Sendable {
    public let seed: UInt64
    public var routers: Int
    public var hosts: Int
    /// Sessions stay, daemons live, and messages arrive long before anybody loses patience: nothing may be lost.
    public var isCalm: Bool
    /// Largest one-way delay of messages and of packets, in microseconds.
    public var longestDelay: Int
    /// Two routers that are far from each other: at least 8 milliseconds.
    public var distant: [Int]
    /// Milliseconds between two moves of a host.
    public var stay: ClosedRange<Int>
    /// Milliseconds between two packets of a flow.
    public var pace: ClosedRange<Int>
    public var turmoil: TimeSpan
    /// Largest time that the walk of a table takes, in microseconds.
    public var longestWalk: Int
    public var tampering = RoamingTampering()

    public init(seed: UInt64) {
        self.seed = seed
        var chance = Chance(seed: seed ^ 0x0a4e_d0d0)
        routers = chance.number(in: 3...5)
        hosts = chance.pick([1, 1, 2])!
        isCalm = chance.isHit(perMille: 400)
        longestDelay = isCalm ? chance.pick([500, 3000, 8000])! : chance.pick([500, 8000, 60000])!
        distant = chance.isHit(perMille: 500) ? [0, chance.number(in: 1...routers - 1)] : []
        stay = chance.pick([20...100, 100...100, 50...600, 400...2000])!
        pace = chance.pick([20...90, 60...250])!
        turmoil = .milliseconds(chance.number(in: 600...1800))
        longestWalk = chance.pick([100, 5000, 150_000])!
    }
}

/// Ways to break the simulated world in order to see that the simulation notices.
public struct RoamingTampering: Sendable {
    public var configuration: @Sendable (inout RoamingConfiguration) -> Void = { _ in }
    /// What a machine hears instead; `nil` for nothing.
    public var event: @Sendable (RoamingEvent, Roaming) -> RoamingEvent? = { event, _ in event }
    /// What is done instead of what it says in answer to an event.
    public var actions: @Sendable (RoamingEvent, [RoamingAction]) -> [RoamingAction] = { _, actions in actions }
    /// What a router that starts anew finds.
    public var adopted: @Sendable (RoamingBinding) -> RoamingBinding? = { $0 }

    public init() {}
}

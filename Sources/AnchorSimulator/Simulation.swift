import AnchorCore
import NetworkTypes

/// Many nodes and routers that move, fail and come back on a network that loses, repeats, reorders and partitions, on
/// a clock that jumps from event to event. Everything follows from the scenario, so that a run repeats exactly.
public final class Simulation {
    public let scenario: Scenario
    /// What went wrong, with the time. Empty for a run in which every invariant held.
    public internal(set) var violations: [String] = []
    /// What happened, newest last, for a person who looks into a failure.
    public internal(set) var trace: [String] = []
    public var isTracing = false
    public internal(set) var statistics = Statistics()

    /// What a run was made of.
    public struct Statistics: Sendable {
        public var datagrams = 0
        public var moves = 0
        public var crashes = 0
        public var walks = 0
        public var delivered = 0
        public var flows = 0
        public var lostFlows = 0

        public init() {}
    }

    var now = MonotonicInstant.zero
    var queue = EventQueue<SimulatedEvent>()
    var chance: Chance
    var routers: [SimulatedRouter] = []
    var nodes: [SimulatedNode] = []
    var flows: [SimulatedFlow] = []
    var nextFlow = 0
    var forgedSequence: UInt32 = 0
    /// Pairs of routers between which nothing passes, the smaller index first.
    var partitions: Set<[Int]> = []
    var isTurbulent = true
    /// Datagrams that somebody recorded, to be sent again.
    var captured: [(router: Int, datagram: Datagram)] = []

    enum SimulatedEvent {
        case toRouter(Int, Datagram)
        case toNode(Int, Datagram)
        case routerTimer(Int, run: Int)
        case nodeTimer(Int, run: Int)
        case written(Int, run: Int, through: RecordNumber)
        case restart(Int)
        case plug(node: Int, interface: Int, SimulatedNode.Plug)
        case unplug(node: Int, interface: Int)
        case heal([Int])
        case turmoil
        case walk
    }

    public init(_ scenario: Scenario) {
        self.scenario = scenario
        chance = Chance(seed: scenario.seed ^ 0x5eed)
        for index in 0..<scenario.routers { routers.append(makeRouter(index)) }
        for index in 0..<scenario.nodes { nodes.append(makeNode(index)) }
        for index in routers.indices { boot(index) }
    }

    static func key(of node: Int) -> [UInt8] { (0..<32).map { UInt8(truncatingIfNeeded: $0 * 7 + node) } }

    private func makeRouter(_ index: Int) -> SimulatedRouter {
        let families = AddressFamily.allCases.filter(scenario.families.contains)
        let links = (0..<scenario.linksPerRouter).map { link in
            AccessLink(
                interface: InterfaceID(UInt32(link)),
                gateways: families.map { AddressPlan.gateway(index, link, $0) },
                pools: families.map { AddressPlan.pool(index, link, $0) }, chain: "server\(index)")
        }
        var configuration = AccessRouterConfiguration(
            router: UInt64(1000 + index), epoch: 0, endpoints: families.map { AddressPlan.endpoint(index, $0) },
            links: links,
            nodes: (0..<scenario.nodes).map { node in
                NodeAccount(id: UInt64(node + 1), spi: UInt32(256 + node), key: Self.key(of: node), quota: 64)
            } + [
                NodeAccount(
                    id: Self.attacker, spi: Self.attackerSPI, key: Self.key(of: Int(Self.attacker)), quota: 2)
            ])
        configuration.leaseLifetime = scenario.leaseLifetime
        configuration.inactivity = scenario.leaseLifetime * 3
        configuration.quarantine = .seconds(2)
        configuration.grace = .milliseconds(500)
        configuration.advertisementInterval = .seconds(6)
        configuration.bicast = scenario.bicast
        return SimulatedRouter(index: index, configuration: configuration)
    }

    private func makeNode(_ index: Int) -> SimulatedNode {
        var configuration = MobileNodeConfiguration(
            node: UInt64(index + 1), epoch: 1, spi: UInt32(256 + index), key: Self.key(of: index),
            interfaces: (0..<scenario.interfacesPerNode).map { InterfaceID(UInt32($0)) })
        configuration.families = scenario.families
        configuration.tunnel = scenario.tunnel
        configuration.bicast = scenario.bicast
        configuration.linger = .milliseconds(800)
        configuration.longestRetransmission = .seconds(2)
        configuration.randomSeed = scenario.seed &+ UInt64(index)
        return SimulatedNode(
            index: index, configuration: configuration, machine: Self.machine(configuration, []), epoch: 1,
            plugs: Array(repeating: nil, count: scenario.interfacesPerNode))
    }

    static func machine(_ configuration: MobileNodeConfiguration, _ records: [MobileNodeRecord]) -> MobileNode {
        do { return try MobileNode(configuration, restoring: records) } catch { preconditionFailure("\(error)") }
    }

    /// Goes on until that time.
    func run(until end: MonotonicInstant) {
        while let next = queue.nextTime, next <= end, violations.isEmpty {
            let (time, event) = queue.next()!
            now = time
            handle(event)
        }
        now = max(now, end)
    }

    private func handle(_ event: SimulatedEvent) {
        switch event {
        case .toRouter(let index, let datagram): drive(router: index, .datagram(datagram))
        case .toNode(let index, let datagram): drive(node: index, .datagram(datagram))
        case .routerTimer(let index, let run):
            guard routers[index].run == run, routers[index].timer == now else { return }
            routers[index].timer = nil
            drive(router: index, .timer)
        case .nodeTimer(let index, let run):
            guard nodes[index].run == run, nodes[index].timer == now else { return }
            nodes[index].timer = nil
            drive(node: index, .timer)
        case .written(let index, let run, let number): written(index, run, through: number)
        case .restart(let index): if routers[index].machine == nil { boot(index) }
        case .plug(let node, let interface, let plug): self.plug(node, interface, plug)
        case .unplug(let node, let interface): unplug(node, interface)
        case .heal(let pair): partitions.remove(pair)
        case .turmoil: makeTrouble()
        case .walk: walkAll()
        }
    }

    func note(_ text: @autoclosure () -> String) {
        guard isTracing else { return }
        trace.append("\(Double(now.nanoseconds / 1000) / 1000) ms: \(text())")
    }

    func violate(_ text: String) {
        violations.append("at \(Double(now.nanoseconds / 1000) / 1000) ms: \(text)")
        note("VIOLATION \(text)")
    }
}

import AnchorCore
import AnchorProtocol
import NetworkTypes

/// Hosts that know nothing roam among routers, faster than their tables of flows, while sessions end and daemons die:
/// mode D with the machines as they are and a data plane in memory [0077]–[0084]. Everything follows from the scenario.
public final class RoamingSimulation {
    public let scenario: RoamingScenario
    /// What went wrong, with the time. Empty for a run in which every invariant held.
    public internal(set) var violations: [String] = []
    /// What happened, for a person who looks into a failure.
    public internal(set) var trace: [String] = []
    public var isTracing = false
    public internal(set) var statistics = Statistics()

    /// What a run was made of.
    public struct Statistics: Sendable {
        public var moves = 0
        public var handovers = 0
        public var messages = 0
        public var packets = 0
        public var delivered = 0
        public var dropped = 0
        public var returned = 0
        public var passedOn = 0
        public var flows = 0
        public var excusedFlows = 0
        public var crashes = 0
        public var outages = 0

        public init() {}
    }

    enum SimulatedEvent {
        case message(RoamingMessage, from: Int, to: Int, session: Int)
        case packet(RoamingPacket, from: Int, to: Int)
        case timer(Int, run: Int)
        case walk(Int, IPAddress, run: Int)
        case received(Int, IPAddress, epoch: UInt32, from: String, run: Int)
        case session([Int], isUp: Bool, end: Int)
        case connect([Int])
        case move(Int)
        case arrive(Int, at: Int)
        case send(flow: Int)
        case begin(host: Int)
        case expire(flow: Int)
        case restart(Int)
        case trouble
    }

    /// A TLS session of a pair: what is sent in one that has ended never arrives.
    struct Session {
        var number = 0
        var isUp = false
        /// When it was up or ended last.
        var changed = MonotonicInstant.zero
        /// What each end thinks.
        var ends: [Int: Bool] = [:]
        /// When the last message to each end arrives: they don't overtake one another.
        var latest: [Int: MonotonicInstant] = [:]
    }

    var now = MonotonicInstant.zero
    var queue = EventQueue<SimulatedEvent>()
    var chance: Chance
    var routers: [SimulatedRoamingRouter] = []
    var hosts: [SimulatedRoamingHost] = []
    var flows: [SimulatedRoamingFlow] = []
    var sessions: [[Int]: Session] = [:]
    /// Pairs between which packets don't pass either.
    var partitions: Set<[Int]> = []
    var isTurbulent = true
    /// The one router that had each host in an epoch.
    var holders: [IPAddress: [UInt32: String]] = [:]
    /// When a router last let a host in that another one had.
    var takenForNew: [IPAddress: MonotonicInstant] = [:]
    var isDriving = false
    var waiting: [(Int, RoamingEvent)] = []

    public init(_ scenario: RoamingScenario) {
        self.scenario = scenario
        chance = Chance(seed: scenario.seed ^ 0xd0d0)
        let names = (0..<scenario.routers).map { "r\($0)" }
        for (index, name) in names.enumerated() {
            var configuration = RoamingConfiguration(name: name, peers: names.filter { $0 != name })
            scenario.tampering.configuration(&configuration)
            routers.append(
                SimulatedRoamingRouter(
                    name: name, configuration: configuration,
                    clockOffset: .seconds(index == 0 ? 0 : chance.number(in: 0...1_000_000)),
                    machine: Roaming(configuration)))
        }
        for index in 0..<scenario.hosts {
            hosts.append(
                SimulatedRoamingHost(
                    address: IPAddress(v4: 0x0a01_0007 + UInt32(index)),
                    mac: MACAddress(bits: 0x0200_0000_0007 + UInt64(index))))
        }
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
        case .message(let message, let from, let to, let session): arrive(message, from: from, to: to, session)
        case .packet(let packet, let from, let to): tunnelled(packet, from: from, at: to)
        case .timer(let router, let run):
            guard routers[router].run == run, routers[router].timer == now else { return }
            routers[router].timer = nil
            drive(router, .timer)
        case .walk(let router, let address, let run): if routers[router].run == run { walk(router, address) }
        case .received(let router, let address, let epoch, let peer, let run):
            guard routers[router].run == run else { return }
            let anchors = Set(routers[router].away[address, default: [:]].values)
            drive(router, .flowsReceived(address, epoch: epoch, from: peer, anchors: anchors))
        case .session(let pair, let isUp, let end): sessionEnd(pair, isUp: isUp, end)
        case .connect(let pair): connect(pair)
        case .move(let host): move(host)
        case .arrive(let host, let router): arrive(host, at: router)
        case .send(let flow): send(flow)
        case .begin(let host): beginFlow(host)
        case .expire(let flow): expire(flow)
        case .restart(let router): restart(router)
        case .trouble: makeTrouble()
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

    func index(_ name: String) -> Int? { routers.firstIndex { $0.name == name } }
    func host(_ address: IPAddress) -> Int? { hosts.firstIndex { $0.address == address } }
}

/// A simulation that its seed determines.
public protocol SeededSimulation: AnyObject, SendableMetatype {
    associatedtype Plan
    associatedtype Statistics: SimulationStatistics

    /// What is simulated from this seed.
    static func plan(seed: UInt64) -> Plan
    /// How to see the run of a seed again.
    static func replay(seed: UInt64) -> String

    init(_ plan: Plan)
    var isTracing: Bool { get set }
    var violations: [String] { get }
    var trace: [String] { get }
    var statistics: Statistics { get }
    func run()
}

/// What happened in simulations; those of several add up.
public protocol SimulationStatistics: Sendable {
    init()
    mutating func add(_ other: Self)
}

/// Simulations of many seeds, some at once.
public struct SeededBatch<Simulated: SeededSimulation>: Sendable {
    public let seeds: [UInt64]
    public var isTracing = false
    /// Changes what is simulated, to plant a bug.
    public var adjust: @Sendable (inout Simulated.Plan) -> Void = { _ in }
    /// Stops at the first failure.
    public var stopsEarly = false

    /// So many seeds from that one on; or the one that `FLOWANCHOR_SEED` names, to see a failure again.
    public init(first: UInt64, count: Int, environment: [String: String]) {
        let replayed = environment["FLOWANCHOR_SEED"].flatMap { UInt64($0) }
        self.init(first: replayed ?? first, count: replayed == nil ? count : 1, isTracing: replayed != nil)
    }

    public init(first: UInt64, count: Int, isTracing: Bool = false) {
        seeds = (0..<UInt64(max(0, count))).map { first &+ $0 }
        self.isTracing = isTracing
    }

    /// What came out.
    public struct Outcome: Sendable {
        public var runs = 0
        /// One text a failed seed: the violations and how to see it again.
        public var failures: [String] = []
        public var failedSeeds: [UInt64] = []
        public var traces: [String] = []
        public var statistics = Simulated.Statistics()

        mutating func add(_ other: Self) {
            runs += other.runs
            failures += other.failures
            failedSeeds += other.failedSeeds
            traces += other.traces
            statistics.add(other.statistics)
        }
    }

    public func run() async -> Outcome {
        let lanes = 4
        return await withTaskGroup(of: Outcome.self) { group in
            for lane in 0..<lanes {
                group.addTask {
                    var outcome = Outcome()
                    for index in stride(from: lane, to: seeds.count, by: lanes) {
                        if stopsEarly, !outcome.failures.isEmpty { break }
                        runOne(seeds[index], &outcome)
                    }
                    return outcome
                }
            }
            var all = Outcome()
            for await part in group { all.add(part) }
            return all
        }
    }

    private func runOne(_ seed: UInt64, _ outcome: inout Outcome) {
        var plan = Simulated.plan(seed: seed)
        adjust(&plan)
        let simulation = Simulated(plan)
        simulation.isTracing = isTracing
        simulation.run()
        outcome.runs += 1
        outcome.statistics.add(simulation.statistics)
        if isTracing { outcome.traces += simulation.trace }
        guard !simulation.violations.isEmpty else { return }
        outcome.failedSeeds.append(seed)
        outcome.failures.append(
            """
            seed \(seed): \(simulation.violations.joined(separator: "\n  "))
              to see it again: \(Simulated.replay(seed: seed))
            """)
    }
}

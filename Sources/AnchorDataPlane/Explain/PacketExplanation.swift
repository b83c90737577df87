import NetworkTypes

/// What the programs of an access router do with a packet, and why.
public struct PacketExplanation: Sendable {
    /// An entry that is looked for.
    public struct LookUp: Hashable, Sendable {
        public var map: DataPlaneMap
        /// Finds it again: `anchorctl map lookup MAP KEY`. Of a route, the destination.
        public var key: String
        /// As a dump of the map has it; `nil`: there is none.
        public var found: [String: String]?
    }

    public enum Verdict: Hashable, Sendable {
        /// Sent from an interface.
        case sent(interface: String)
        /// Left to the kernel.
        case kernel
        /// Handed to the daemon, which deals with it.
        case held
        case dropped
    }

    /// Where it comes in.
    public var interface: String
    public var role: PortRole
    /// Its IP headers, outermost first: `[nA>oA][M>C]`.
    public var headers: String
    /// What is behind them: `tcp 40112>443 SYN`.
    public var content: String
    /// In the order in which they are made; each once.
    public var lookUps: [LookUp]
    public var verdict: Verdict
    /// `nil`: the programs have nothing to do with it.
    public var reason: Reason?
    /// The headers that it leaves with, or goes to the kernel with; `nil` where it doesn't go on.
    public var headersAfter: String?
    public var contentAfter: String?
    /// The programs ask the kernel's routes where it goes: which interface that is, is not said here.
    public var asksKernel: Bool

    /// The frame that was asked about, and what becomes of it.
    let frame: [UInt8]
    let outcome: ModelOutcome
}

extension PacketExplanation {
    init(
        _ frame: [UInt8], on port: Port, _ lookUps: [LookUp], _ outcome: ModelOutcome, in tables: ModelDataPlane.Tables
    ) {
        let before = HeaderNotation(frame)
        (interface, role, headers, content) = (port.name, port.role, before.stack, before.content)
        (self.frame, self.outcome, self.lookUps, reason) = (frame, outcome, lookUps, outcome.reason)
        verdict =
            switch outcome.verdict {
            case .redirect(let index): .sent(interface: tables.ports[index]?.name ?? "#\(index)")
            case .drop: outcome.reason?.name == "held" ? .held : .dropped
            // The others are a mobile node's.
            case .pass, .neighbour, .comesIn, .segmenter: .kernel
            }
        if verdict != .dropped && verdict != .held {
            let after = HeaderNotation(outcome.bytes)
            (headersAfter, contentAfter) = (after.stack, after.content)
        }
        asksKernel =
            tables.configuration.routesByKernel
            && tables.trace?.keys.contains { key in
                guard case .route(let destination, _) = key else { return false }
                return !tables.configuration.routes.contains { $0.prefix.contains(destination) }
            } == true
    }
}

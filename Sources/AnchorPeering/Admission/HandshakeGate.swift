import AnchorCore
import NetworkTypes

/// Lets accepted connections through to cryptography, or not (T19). No clock, no socket.
struct HandshakeGate {
    private var limiter: SourceLimiter
    private let limits: PeeringLimits
    private let neighbours: Set<IPAddress>
    /// Connections let through that are no sessions yet, by source.
    private var halfOpen: [IPAddress: Int] = [:]
    private var strangers = 0

    /// - Parameters:
    ///   - neighbours: addresses whose connections don't count towards the bound of all sources, so that a flood from
    ///     elsewhere keeps no neighbour out.
    ///   - key: random, so that nobody chooses sources that share a bucket.
    init(_ limits: PeeringLimits, neighbours: Set<IPAddress>, key: UInt64) {
        self.limits = limits
        self.neighbours = Set(neighbours.map(Self.source))
        limiter = SourceLimiter(limits.handshakes, key: key)
    }

    /// - Returns: why not; `nil` for a connection that is let through, of which ``finished(_:)`` must be told.
    mutating func admit(_ address: IPAddress, at now: MonotonicInstant) -> PeeringRefusal? {
        let source = Self.source(address)
        guard limiter.admits(source, at: now) else { return .rateLimited }
        let isStranger = !neighbours.contains(source)
        guard halfOpen[source, default: 0] < limits.halfOpenOfOneSource, !isStranger || strangers < limits.halfOpen
        else { return .tooManyHalfOpen }
        halfOpen[source, default: 0] += 1
        if isStranger { strangers += 1 }
        return nil
    }

    /// The connection has become a session, or has ended before.
    mutating func finished(_ address: IPAddress) {
        let source = Self.source(address)
        guard let count = halfOpen[source] else { return }
        halfOpen[source] = count > 1 ? count - 1 : nil
        if !neighbours.contains(source) { strangers -= 1 }
    }

    var pending: Int { halfOpen.values.reduce(0, +) }

    /// Whoever has one address of a /64 has all of them.
    private static func source(_ address: IPAddress) -> IPAddress {
        address.isV4 ? address : IPAddress(high: address.high, low: 0)
    }
}

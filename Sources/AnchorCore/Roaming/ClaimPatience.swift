import NetworkTypes

/// How long a router is waited for that was asked for a host: longer where its answers take longer, as the
/// retransmission timer of TCP (RFC 6298). A host that is taken for a new one although the router that has it is but busy
/// has its flows broken.
struct ClaimPatience: Sendable {
    /// Not longer, for all new hosts wait as long where one router is gone that isn't known to be.
    static let longest = TimeSpan.milliseconds(500)

    private struct Estimate {
        var smoothed: TimeSpan
        var variation: TimeSpan
        /// Doubles with each answer that did not come in time.
        var backOff = 1
    }

    private var estimates: [String: Estimate] = [:]

    /// An answer came after so long.
    mutating func answered(_ peer: String, after span: TimeSpan) {
        guard var estimate = estimates[peer], estimate.smoothed > .zero else {
            estimates[peer] = Estimate(smoothed: span, variation: span / 2)
            return
        }
        let difference = TimeSpan(nanoseconds: abs(span.nanoseconds - estimate.smoothed.nanoseconds))
        estimate.variation = (estimate.variation * 3 + difference) / 4
        estimate.smoothed = (estimate.smoothed * 7 + span) / 8
        estimate.backOff = 1
        estimates[peer] = estimate
    }

    /// None came in time.
    mutating func missed(_ peer: String) {
        var estimate = estimates[peer] ?? Estimate(smoothed: .zero, variation: .zero)
        estimate.backOff = min(estimate.backOff * 2, 64)
        estimates[peer] = estimate
    }

    /// Its session has ended: another one may be another router.
    mutating func forget(_ peer: String) { estimates[peer] = nil }

    /// For all of those.
    /// - Parameter shortest: for those of which nothing is known.
    func span(_ peers: some Sequence<String>, shortest: TimeSpan) -> TimeSpan {
        peers.reduce(shortest) { longest, peer in
            guard let estimate = estimates[peer] else { return longest }
            let usual = max(shortest, estimate.smoothed + estimate.variation * 4)
            return max(longest, min(usual * estimate.backOff, Self.longest))
        }
    }
}

import NetworkTypes

/// Token buckets by source, looked at before a message costs anything (T19). Its memory is bounded: sources share a
/// fixed number of buckets by a keyed hash, so a flood from many addresses cannot grow it.
package struct SourceLimiter: Sendable {
    private struct Bucket: Sendable {
        /// Nanoseconds of credit; one message costs `cost`.
        var credit: Int64
        var updated: MonotonicInstant
    }

    private let cost: Int64
    private let most: Int64
    private let key: UInt64
    private var buckets: [Bucket?]

    package init(_ limit: RateLimit, buckets count: Int = 4096, key: UInt64) {
        cost = max(1, 1_000_000_000 / Int64(max(1, limit.perSecond)))
        most = cost * Int64(max(1, limit.burst))
        self.key = key
        buckets = Array(repeating: nil, count: count)
    }

    /// Whether one more message of this source is within its limit; takes a token if so.
    package mutating func admits(_ source: IPAddress, at now: MonotonicInstant) -> Bool {
        var random = SeededRandom(seed: key ^ source.low ^ (source.high &* 0x9e37_79b9_7f4a_7c15))
        let index = Int(random.next() % UInt64(buckets.count))
        var bucket = buckets[index] ?? Bucket(credit: most, updated: now)
        bucket.credit = min(most, bucket.credit &+ max(0, (now - bucket.updated).nanoseconds))
        bucket.updated = now
        let admitted = bucket.credit >= cost
        if admitted { bucket.credit -= cost }
        buckets[index] = bucket
        return admitted
    }
}

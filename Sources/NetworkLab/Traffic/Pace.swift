/// How many datagrams a steady source may have sent by a moment.
///
/// A process that was kept off the processor is behind afterwards. It must not make up for that at once: such a burst
/// overruns the rings of interfaces, which hold 256, and is a loss that the source itself has made.
struct Pace {
    /// Datagrams a second.
    let rate: Int
    /// Datagrams that may be sent at once.
    static let burst = 48.0
    /// How many times the rate one may catch up at.
    static let haste = 2.0

    private var allowance = Pace.burst
    private var last: UInt64 = 0

    init(rate: Int) { self.rate = rate }

    /// - Parameters:
    ///   - sent: datagrams until now.
    ///   - elapsed: nanoseconds since the first could be sent; not before those of the last call.
    /// - Returns: how many may have been sent after this call; all of them count as sent.
    mutating func limit(sent: UInt64, after elapsed: UInt64) -> UInt64 {
        let gained = Double(elapsed - last) / 1e9 * Double(rate) * Pace.haste
        allowance = min(allowance + gained, Pace.burst)
        last = elapsed
        let due = elapsed / 1000 * UInt64(rate) / 1_000_000
        guard due > sent else { return sent }
        let count = min(due - sent, UInt64(allowance))
        allowance -= Double(count)
        return sent + count
    }
}

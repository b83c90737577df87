import BPFKit
import Glibc
import Synchronization

/// The programs' clock for "last seen": ticks of 256 jiffies, as `bpf_jiffies64() >> 8` counts them.
final class TickClock: Sendable {
    /// How long a tick is.
    let tick: Duration
    private let source: JiffiesSource
    private let known = Mutex<(tick: UInt32, at: ContinuousClock.Instant)?>(nil)
    /// The two clocks drift apart slowly; how long one reading is good for.
    private static let validity = Duration.seconds(30)

    init() throws(BPFError) {
        source = try JiffiesSource()
        var resolution = timespec()
        clock_getres(CLOCK_MONOTONIC_COARSE, &resolution)
        tick = .nanoseconds((resolution.tv_sec * 1_000_000_000 + resolution.tv_nsec) * 256)
    }

    /// The tick at this moment, off by at most one.
    func now() throws(BPFError) -> UInt32 {
        let time = ContinuousClock.now
        if let known = known.withLock({ $0 }), time - known.at < Self.validity {
            return known.tick &+ UInt32((time - known.at) / tick)
        }
        let fresh = try source.read()
        known.withLock { $0 = (fresh, time) }
        return fresh
    }

    /// The time as `fa_duplicates` has it: the lower 16 bits of jiffies / 4. Asked so rarely that its program is loaded
    /// for the occasion.
    func duplicateTime() throws(BPFError) -> UInt16 { UInt16(truncatingIfNeeded: try JiffiesSource(shift: 2).read()) }

    /// The unit of ``duplicateTime()``.
    var duplicateUnit: Duration { tick / 64 }

    /// How long ago a tick was; nothing is longer ago than half the counter's range.
    func age(of seen: UInt32, at now: UInt32) -> Duration {
        tick * Int(max(0, Int32(bitPattern: now &- seen)))
    }

    /// A number of ticks that is at least so long.
    func ticks(in duration: Duration) -> UInt32 {
        UInt32(clamping: Int64((duration / tick).rounded(.up)))
    }
}

extension Duration {
    /// Rounded towards zero; what 64 bits hold, 292 years, is not exceeded.
    var nanoseconds: Int64 { components.seconds * 1_000_000_000 + components.attoseconds / 1_000_000_000 }
}

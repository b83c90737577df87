import AnchorCore
import Glibc

/// The clock of the state machines: CLOCK_BOOTTIME, which goes on while the machine sleeps.
enum MonotonicClock {
    static func now() -> MonotonicInstant {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return MonotonicInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}

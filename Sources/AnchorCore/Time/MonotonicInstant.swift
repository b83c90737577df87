/// A moment on a clock that never goes back, in nanoseconds from an arbitrary start. The state machines are
/// told the time with each event and read no clock themselves.
public struct MonotonicInstant: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static let zero = MonotonicInstant(nanoseconds: 0)

    @inlinable public static func < (a: MonotonicInstant, b: MonotonicInstant) -> Bool {
        a.nanoseconds < b.nanoseconds
    }

    @inlinable public static func + (a: MonotonicInstant, b: TimeSpan) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: a.nanoseconds &+ b.nanoseconds)
    }

    @inlinable public static func - (a: MonotonicInstant, b: MonotonicInstant) -> TimeSpan {
        TimeSpan(nanoseconds: a.nanoseconds &- b.nanoseconds)
    }
}

/// A length of time in nanoseconds.
public struct TimeSpan: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64

    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func seconds(_ count: Int) -> TimeSpan { TimeSpan(nanoseconds: Int64(count) * 1_000_000_000) }
    public static func milliseconds(_ count: Int) -> TimeSpan { TimeSpan(nanoseconds: Int64(count) * 1_000_000) }
    public static func microseconds(_ count: Int) -> TimeSpan { TimeSpan(nanoseconds: Int64(count) * 1_000) }
    public static let zero = TimeSpan(nanoseconds: 0)

    /// Whole seconds, rounded down.
    public var wholeSeconds: Int { Int(nanoseconds / 1_000_000_000) }

    @inlinable public static func < (a: TimeSpan, b: TimeSpan) -> Bool { a.nanoseconds < b.nanoseconds }
    public static func * (a: TimeSpan, b: Int) -> TimeSpan { TimeSpan(nanoseconds: a.nanoseconds * Int64(b)) }
    public static func / (a: TimeSpan, b: Int) -> TimeSpan { TimeSpan(nanoseconds: a.nanoseconds / Int64(b)) }
    public static func + (a: TimeSpan, b: TimeSpan) -> TimeSpan {
        TimeSpan(nanoseconds: a.nanoseconds + b.nanoseconds)
    }
}

import Glibc
import Synchronization

/// Threads that act as programs, and when every program that runs now has ended, as the kernel tells it.
final class ProgramRuns: Sendable {
    /// One each: odd while a program runs.
    let counters: [Counter]

    final class Counter: Sendable {
        private let value = Atomic<UInt64>(0)

        func run(_ program: () -> Void) {
            value.add(1, ordering: .sequentiallyConsistent)
            program()
            value.add(1, ordering: .sequentiallyConsistent)
        }

        func wait() {
            let seen = value.load(ordering: .sequentiallyConsistent)
            guard seen & 1 == 1 else { return }
            while value.load(ordering: .sequentiallyConsistent) == seen { sched_yield() }
        }
    }

    init(_ count: Int) { counters = (0..<count).map { _ in Counter() } }

    func wait() {
        for counter in counters { counter.wait() }
    }
}

import NIOCore
import Synchronization

/// Bytes of messages that were delivered and that nobody has taken: the session reads no more while there are too many.
final class IncomingWindow: Sendable {
    private struct State {
        var used = 0
        var isPaused = false
    }

    private let limit: Int
    private let eventLoop: any EventLoop
    private let resume: @Sendable () -> Void
    private let state = Mutex(State())

    /// - Parameter resume: called on the event loop when there is room again.
    init(_ limit: Int, on eventLoop: any EventLoop, resume: @escaping @Sendable () -> Void) {
        self.limit = limit
        self.eventLoop = eventLoop
        self.resume = resume
    }

    var isPaused: Bool { state.withLock { $0.isPaused } }

    /// So many bytes were delivered.
    func take(_ bytes: Int) {
        state.withLock { state in
            state.used += bytes
            if state.used >= limit { state.isPaused = true }
        }
    }

    /// So many were taken.
    func release(_ bytes: Int) {
        let hasRoom = state.withLock { state in
            state.used -= bytes
            guard state.isPaused, state.used <= limit / 2 else { return false }
            state.isPaused = false
            return true
        }
        if hasRoom { eventLoop.execute(resume) }
    }
}

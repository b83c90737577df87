import Synchronization

/// Bytes on their way to the kernel: senders wait while there are too many, first come, first served.
final class OutgoingWindow: Sendable {
    /// What became of a sender's wish.
    enum Outcome: Sendable {
        case granted
        /// The session has ended.
        case closed
        /// The sender's task was cancelled.
        case cancelled
    }

    private struct Waiter {
        var identifier: UInt64
        var bytes: Int
        var continuation: CheckedContinuation<Outcome, Never>
    }

    private struct State {
        var used = 0
        var isOpen = true
        var waiters: [Waiter] = []
        var lastIdentifier: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    init(_ limit: Int) { self.limit = limit }

    /// Returns when there is room, or there will be none.
    func reserve(_ bytes: Int) async -> Outcome {
        let identifier = state.withLock { state -> UInt64? in
            if state.isOpen, state.waiters.isEmpty, state.used < limit {
                state.used += bytes
                return nil
            }
            state.lastIdentifier += 1
            return state.lastIdentifier
        }
        guard let identifier else { return .granted }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = state.withLock { state -> Outcome? in
                    if Task.isCancelled { return .cancelled }
                    if !state.isOpen { return .closed }
                    if state.waiters.isEmpty, state.used < limit {
                        state.used += bytes
                        return .granted
                    }
                    state.waiters.append(Waiter(identifier: identifier, bytes: bytes, continuation: continuation))
                    return nil
                }
                if let outcome { continuation.resume(returning: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let place = state.waiters.firstIndex(where: { $0.identifier == identifier }) else { return nil }
                return state.waiters.remove(at: place)
            }
            waiter?.continuation.resume(returning: .cancelled)
        }
    }

    /// For what is small and can't wait: before those who do, up to twice the window.
    /// - Returns: `nil` if there is no room.
    func reserveAtOnce(_ bytes: Int) -> Outcome? {
        state.withLock { state in
            guard state.isOpen else { return .closed }
            guard state.used < 2 * limit else { return nil }
            state.used += bytes
            return .granted
        }
    }

    /// So many bytes have gone out.
    func release(_ bytes: Int) {
        let ready = state.withLock { state -> [Waiter] in
            state.used -= bytes
            var ready: [Waiter] = []
            // In bunches: one that is woken for each message would be woken often.
            guard state.used <= limit / 2 else { return ready }
            while state.used < limit, ready.count < state.waiters.count {
                let waiter = state.waiters[ready.count]
                state.used += waiter.bytes
                ready.append(waiter)
            }
            state.waiters.removeFirst(ready.count)
            return ready
        }
        for waiter in ready { waiter.continuation.resume(returning: .granted) }
    }

    /// The session has ended.
    func close() {
        let waiters = state.withLock { state -> [Waiter] in
            state.isOpen = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: .closed) }
    }
}

import Synchronization

/// Bytes on their way to the kernel: senders wait while there are too many, first come, first served.
final class OutgoingWindow: Sendable {
    private struct Waiter {
        var identifier: UInt64
        var bytes: Int
        var continuation: CheckedContinuation<Result<Void, PeeringError>, Never>
    }

    private struct State {
        var used = 0
        var isOpen = true
        var waiters: [Waiter] = []
        var lastIdentifier: UInt64 = 0
    }

    private let limit: Int
    private let peer: String
    private let state = Mutex(State())

    init(_ limit: Int, peer: String) {
        self.limit = limit
        self.peer = peer
    }

    /// Returns when there is room.
    /// - Throws: once the session has ended, or the task was cancelled.
    func reserve(_ bytes: Int) async throws(PeeringError) {
        let identifier = state.withLock { state -> UInt64? in
            if state.isOpen, state.waiters.isEmpty, state.used < limit {
                state.used += bytes
                return nil
            }
            state.lastIdentifier += 1
            return state.lastIdentifier
        }
        guard let identifier else { return }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let outcome = state.withLock { state -> Result<Void, PeeringError>? in
                    if Task.isCancelled { return .failure(.cancelled) }
                    if !state.isOpen { return .failure(.down(peer)) }
                    if state.waiters.isEmpty, state.used < limit {
                        state.used += bytes
                        return .success(())
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
            waiter?.continuation.resume(returning: .failure(.cancelled))
        }
        try result.get()
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
        for waiter in ready { waiter.continuation.resume(returning: .success(())) }
    }

    /// The session has ended.
    func close() {
        let waiters = state.withLock { state -> [Waiter] in
            state.isOpen = false
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: .failure(.down(peer))) }
    }
}

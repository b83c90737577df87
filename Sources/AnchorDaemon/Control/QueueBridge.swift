import ControlAPI
import Dispatch

extension DispatchQueue {
    /// Runs `body` on the queue, for callers from asynchronous code.
    func answer<Value: Sendable>(
        _ body: @escaping @Sendable () throws(ControlError) -> Value
    ) async throws(ControlError) -> Value {
        let result = await withCheckedContinuation { continuation in
            async { continuation.resume(returning: Result { () throws(ControlError) -> Value in try body() }) }
        }
        return try result.get()
    }
}

extension ControlError {
    /// What went wrong on our side.
    init(failure error: any Error) { self = error as? ControlError ?? ControlError(.failure, "\(error)") }

    /// This daemon's role doesn't have it.
    static func otherRole(_ what: String, _ role: String) -> ControlError {
        ControlError(.conflict, "\(what) belongs to \(role)", nextStep: "ask a daemon with that role: --socket")
    }
}

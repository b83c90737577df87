import ControlAPI
import Foundation
import Synchronization

/// Hands what happens to everybody who watches. A watcher that doesn't read loses the oldest, nobody waits.
final class EventHub: Sendable {
    private let watchers = Mutex<[UUID: AsyncStream<EventModel>.Continuation]>([:])

    /// What happens from now on.
    func watch() -> AsyncStream<EventModel> {
        let identity = UUID()
        let (stream, continuation) = AsyncStream.makeStream(
            of: EventModel.self, bufferingPolicy: .bufferingNewest(4096))
        continuation.onTermination = { [weak self] _ in
            self?.watchers.withLock { _ = $0.removeValue(forKey: identity) }
        }
        watchers.withLock { $0[identity] = continuation }
        return stream
    }

    /// Anybody reads.
    var isWatched: Bool { watchers.withLock { !$0.isEmpty } }

    func tell(_ kind: String, _ text: @autoclosure () -> String, _ fields: @autoclosure () -> [String: String] = [:]) {
        let current = watchers.withLock { Array($0.values) }
        guard !current.isEmpty else { return }
        let event = EventModel(time: Date().timeIntervalSince1970, kind: kind, text: text(), fields: fields())
        for watcher in current { watcher.yield(event) }
    }

    /// Ends all streams.
    func finish() {
        let current = watchers.withLock { watchers in
            defer { watchers = [:] }
            return Array(watchers.values)
        }
        for watcher in current { watcher.finish() }
    }
}

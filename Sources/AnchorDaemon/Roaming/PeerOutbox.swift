import AnchorPeering
import AnchorProtocol
import NIOCore
import Synchronization

/// Messages on their way to neighbours: in order to each of them, and nobody waits for one that takes them slowly.
/// Flows have a lane of their own beside the small messages, which are urgent.
final class PeerOutbox: Sendable {
    private enum Urgent: Sendable {
        case message(RoamingMessage)
        /// For the lane of flows: none overtakes what was sent before it, such as the grant that announces it.
        case flows(@Sendable () async -> Void)
    }

    private struct Lanes {
        var urgent: AsyncStream<Urgent>.Continuation
        var flows: AsyncStream<@Sendable () async -> Void>.Continuation
    }

    private let peering: Peering
    private let lanes = Mutex<[String: Lanes]>([:])
    private let failed: @Sendable (String, PeeringError) -> Void

    /// - Parameter failed: called where a message could not be sent, since the session has ended.
    init(_ peering: Peering, failed: @escaping @Sendable (String, PeeringError) -> Void) {
        self.peering = peering
        self.failed = failed
    }

    /// There is a session with the neighbour.
    func open(_ peer: String) {
        let (urgent, urgentContinuation) = AsyncStream.makeStream(of: Urgent.self)
        let (flows, flowsContinuation) = AsyncStream.makeStream(of: (@Sendable () async -> Void).self)
        let former = lanes.withLock { lanes in
            let former = lanes[peer]
            lanes[peer] = Lanes(urgent: urgentContinuation, flows: flowsContinuation)
            return former
        }
        former?.urgent.finish()
        former?.flows.finish()
        Task { [weak self] in
            for await next in urgent {
                switch next {
                case .message(let message): await self?.deliver(message, to: peer)
                case .flows(let work): flowsContinuation.yield(work)
                }
            }
        }
        Task {
            for await work in flows { await work() }
        }
    }

    /// There is none any more: what was on its way is dropped.
    func close(_ peer: String) {
        let former = lanes.withLock { $0.removeValue(forKey: peer) }
        former?.urgent.finish()
        former?.flows.finish()
    }

    func send(_ message: RoamingMessage, to peer: String) {
        _ = lanes.withLock { $0[peer]?.urgent }?.yield(.message(message))
    }

    /// Has work done that sends flows to the neighbour, after other work of that kind and what was sent before.
    func enqueue(to peer: String, _ work: @escaping @Sendable () async -> Void) {
        _ = lanes.withLock { $0[peer]?.urgent }?.yield(.flows(work))
    }

    /// Sends it now; waits while too much is on its way.
    /// - Returns: whether it is on its way.
    @discardableResult
    func deliver(_ message: RoamingMessage, to peer: String) async -> Bool {
        do throws(PeeringError) {
            try await peering.send(message.type, ByteBuffer(bytes: message.encoded), to: peer)
            return true
        } catch {
            failed(peer, error)
            return false
        }
    }
}

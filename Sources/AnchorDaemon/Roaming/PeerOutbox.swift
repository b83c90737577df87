import AnchorPeering
import AnchorProtocol
import NIOCore
import Synchronization

/// Messages on their way to neighbours: in order to each of them, and nobody waits for one that takes them slowly.
/// Flows have a lane of their own beside the small messages, which are urgent: those go at once where the session has room.
final class PeerOutbox: Sendable {
    private enum Urgent: Sendable {
        case message(RoamingMessage)
        /// For the lane of flows: none overtakes what was sent before it, such as the grant that announces it.
        case flows(@Sendable () async -> Void)
    }

    /// Those of a session.
    private final class Lanes: Sendable {
        let urgent: AsyncStream<Urgent>.Continuation
        let flows: AsyncStream<@Sendable () async -> Void>.Continuation
        /// What the urgent lane holds, all of which goes before what comes now.
        let waiting = Atomic(0)

        init(urgent: AsyncStream<Urgent>.Continuation, flows: AsyncStream<@Sendable () async -> Void>.Continuation) {
            self.urgent = urgent
            self.flows = flows
        }

        func add(_ next: Urgent) {
            waiting.add(1, ordering: .relaxed)
            urgent.yield(next)
        }

        func finish() {
            urgent.finish()
            flows.finish()
        }
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
        let opened = Lanes(urgent: urgentContinuation, flows: flowsContinuation)
        let former = lanes.withLock { lanes in
            defer { lanes[peer] = opened }
            return lanes[peer]
        }
        former?.finish()
        Task { [weak self] in
            for await next in urgent {
                switch next {
                case .message(let message): await self?.deliver(message, to: peer)
                case .flows(let work): opened.flows.yield(work)
                }
                // It is with the session now: what comes next is behind it.
                opened.waiting.subtract(1, ordering: .releasing)
            }
        }
        Task {
            for await work in flows { await work() }
        }
    }

    /// There is none any more: what was on its way is dropped.
    func close(_ peer: String) { lanes.withLock { $0.removeValue(forKey: peer) }?.finish() }

    /// For one thread at a time.
    func send(_ message: RoamingMessage, to peer: String) {
        guard let lanes = lanes.withLock({ $0[peer] }) else { return }
        guard lanes.waiting.load(ordering: .acquiring) == 0 else { return lanes.add(.message(message)) }
        do throws(PeeringError) {
            let payload = ByteBuffer(bytes: message.encoded)
            if try !peering.sendAtOnce(message.type, payload, to: peer) { lanes.add(.message(message)) }
        } catch {
            failed(peer, error)
        }
    }

    /// Has work done that sends flows to the neighbour, after other work of that kind and what was sent before.
    func enqueue(to peer: String, _ work: @escaping @Sendable () async -> Void) {
        lanes.withLock { $0[peer] }?.add(.flows(work))
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

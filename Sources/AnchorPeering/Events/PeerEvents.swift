import Dispatch
import Synchronization

/// Events in the order in which they happened, for one reader, who takes them as a sequence or on a queue. They are kept
/// until there is one. While it takes no messages, their sessions read no more.
public struct PeerEvents: AsyncSequence, Sendable {
    struct Queued: Sendable {
        var event: PeerEvent
        var bytes = 0
        var window: IncomingWindow?

        /// It is no longer among those that nobody has taken.
        func take() -> PeerEvent {
            window?.release(bytes)
            return event
        }
    }

    private enum State {
        case kept([Queued], isFinished: Bool)
        case read(by: @Sendable (Queued?) -> Void)
    }

    private final class Mailbox: Sendable {
        let state = Mutex(State.kept([], isFinished: false))
    }

    private let mailbox = Mailbox()

    // MARK: For those who tell

    func put(_ queued: Queued) {
        mailbox.state.withLock { state in
            switch state {
            case .kept(var events, let isFinished):
                events.append(queued)
                state = .kept(events, isFinished: isFinished)
            case .read(let reader): reader(queued)
            }
        }
    }

    /// There will be no more.
    func finish() {
        mailbox.state.withLock { state in
            switch state {
            case .kept(let events, _): state = .kept(events, isFinished: true)
            case .read(let reader): reader(nil)
            }
        }
    }

    // MARK: For the reader

    /// - Parameter reader: called with one event after the other, whoever happens to tell of it, and at last with none. It
    ///   must neither wait nor ask for anything here.
    private func open(_ reader: @escaping @Sendable (Queued?) -> Void) {
        mailbox.state.withLock { state in
            guard case .kept(let events, let isFinished) = state else {
                preconditionFailure("events have one reader")
            }
            for event in events { reader(event) }
            if isFinished { reader(nil) }
            state = .read(by: reader)
        }
    }

    /// Has them handled on a queue: all that there are one after the other, so that many cost few changes of threads.
    /// - Parameters:
    ///   - queue: serial. What else is on it gets its turn in between.
    ///   - handle: called on it with each.
    public func deliver(on queue: DispatchQueue, to handle: @escaping @Sendable (PeerEvent) -> Void) {
        let bunch = Bunch(queue, handle)
        open { if let event = $0 { bunch.add(event) } }
    }

    private final class Bunch: Sendable {
        private let queue: DispatchQueue
        private let handle: @Sendable (PeerEvent) -> Void
        private let state = Mutex<(events: [Queued], isScheduled: Bool)>(([], false))

        init(_ queue: DispatchQueue, _ handle: @escaping @Sendable (PeerEvent) -> Void) {
            self.queue = queue
            self.handle = handle
        }

        func add(_ event: Queued) {
            let isFirst = state.withLock { state in
                state.events.append(event)
                defer { state.isScheduled = true }
                return !state.isScheduled
            }
            if isFirst { queue.async { self.handleAll() } }
        }

        private func handleAll() {
            let events = state.withLock { state in
                defer { state.events = [] }
                return state.events
            }
            for event in events { handle(event.take()) }
            let isDone = state.withLock { state in
                state.isScheduled = !state.events.isEmpty
                return !state.isScheduled
            }
            if !isDone { queue.async { self.handleAll() } }
        }
    }

    public struct Iterator: AsyncIteratorProtocol {
        fileprivate var base: AsyncStream<Queued>.Iterator

        public mutating func next() async -> PeerEvent? { await base.next()?.take() }
    }

    /// Once.
    public func makeAsyncIterator() -> Iterator {
        let (stream, continuation) = AsyncStream.makeStream(of: Queued.self)
        open { event in
            if let event { continuation.yield(event) } else { continuation.finish() }
        }
        return Iterator(base: stream.makeAsyncIterator())
    }
}

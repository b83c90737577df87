import AnchorCore
import AnchorPKI
import AnchorProtocol
import Foundation
import NIOCore
import NIOPosix
import NetworkTypes
import Synchronization

/// The sessions of a router with its neighbours: mutually authenticated TLS 1.3, one a pair, kept open.
///
/// All of it happens on one event loop; what others touch is behind locks, which is what makes it safe to hand around.
public final class Peering: @unchecked Sendable {
    /// What happens; for one reader.
    public let events = PeerEvents()
    /// This router's name, as its certificate says.
    public let name: String

    let configuration: PeeringConfiguration
    let eventLoop: any EventLoop
    var credentials: CredentialStore
    var gate: HandshakeGate
    var neighbours: [String: Neighbour] = [:]
    var connections: [ObjectIdentifier: PeerConnection] = [:]
    /// Accepted connections without a hello.
    var halfOpen: Set<ObjectIdentifier> = []
    var refusals: [PeeringRefusal: UInt64] = [:]
    var isStopping = false
    let names: Set<String>

    private var news: SourceLimiter
    private var listeners: [any Channel] = []
    private var upkeep: RepeatedTask?
    private var lastSession: UInt64 = 0
    /// Sessions for those who send.
    private let directory = Mutex<[String: PeerConnection]>([:])

    /// Of the process, and never shut down: whoever asks after the end gets an answer.
    private static let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    /// Refusals that are told, of a flood.
    private static let toldRefusals = RateLimit(perSecond: 5, burst: 20)

    /// Reads the certificate files.
    /// - Throws: ``PKIError`` for those, or ``PeeringError``.
    public init(_ configuration: PeeringConfiguration) throws {
        self.configuration = configuration
        credentials = try CredentialStore(configuration.files, endpoints: configuration.run.endpoints)
        let own = credentials.current.loaded.identity.name
        name = own
        names = Set(configuration.peers.map(\.name)).subtracting([own])
        gate = HandshakeGate(
            configuration.limits, neighbours: Set(configuration.peers.map(\.address.address)),
            key: .random(in: .min ... .max))
        news = SourceLimiter(Self.toldRefusals, buckets: 1, key: 0)
        for peer in configuration.peers where peer.name != own {
            neighbours[peer.name] = Neighbour(peer, limits: configuration.limits)
        }
        eventLoop = Self.group.next()
    }

    /// Listens, and begins to look for its neighbours.
    /// - Returns: where it listens, with the ports that port 0 has become.
    /// - Throws: ``PeeringError/cannotListen(_:cause:)``.
    @discardableResult
    public func start() async throws -> [TransportAddress] {
        var opened: [any Channel] = []
        do {
            for address in configuration.listen { opened.append(try await listen(on: address)) }
        } catch {
            for listener in opened { try? await listener.close() }
            await stop()
            throw error
        }
        let listeners = opened
        eventLoop.execute {
            self.listeners = listeners
            self.begin()
        }
        return listeners.compactMap { $0.localAddress.flatMap { TransportAddress($0) } }
    }

    private func begin() {
        for name in neighbours.keys.sorted() {
            guard var neighbour = neighbours[name] else { continue }
            // The other one of the pair waits a little, so that there are seldom two connections.
            let isFirst = self.name.utf8.lexicographicallyPrecedes(name.utf8)
            let pause = isFirst ? .zero : neighbour.backoff.pause()
            neighbours[name] = neighbour
            dial(name, after: pause)
        }
        let interval = TimeAmount.nanoseconds(configuration.limits.credentialCheck.nanoseconds)
        upkeep = eventLoop.scheduleRepeatedTask(initialDelay: interval, delay: interval) { [weak self] _ in
            self?.keepUp()
        }
    }

    /// Says goodbye to all neighbours and ends. Events end behind the last one.
    public func stop() async {
        try? await eventLoop.flatSubmit {
            self.isStopping = true
            self.upkeep?.cancel()
            for neighbour in self.neighbours.values { neighbour.attempt?.cancel() }
            for listener in self.listeners { listener.close(promise: nil) }
            for connection in self.connections.values { connection.end(.stopping, PeerClose(.stopping)) }
            let channels = self.listeners + self.connections.values.map(\.channel)
            return EventLoopFuture.andAllComplete(channels.map(\.closeFuture), on: self.eventLoop)
        }.get()
        events.finish()
    }

    /// Follows changed files, and ends what depends on a certificate that has ended.
    private func keepUp() {
        switch credentials.refresh() {
        case .renewed(let end): tell(.credentialsRenewed(validUntil: end))
        case .refused(let problem): tell(.credentialsRefused(problem))
        case nil: break
        }
        let now = Date.now
        for connection in connections.values where connection.hello != nil && connection.validUntil < now {
            connection.end(.certificateEnded, PeerClose(.certificateEnded))
        }
    }

    func tell(_ event: PeerEvent, _ bytes: Int = 0, _ window: IncomingWindow? = nil) {
        events.put(PeerEvents.Queued(event: event, bytes: bytes, window: window))
    }

    // MARK: Sending

    /// Sends a message to a neighbour. Returns when it is on its way, and waits while too much is.
    /// - Parameters:
    ///   - type: 16 or more (``PeerControl/firstMessage``).
    ///   - payload: at most 256 KiB (``PeerFrameHeader/longestPayload``).
    /// - Throws: where there is no session, or it ends meanwhile. Whether the neighbour got what was sent before its
    ///   session ended, nobody knows.
    public func send(_ type: UInt8, _ payload: ByteBuffer, to peer: String) async throws(PeeringError) {
        precondition(type >= PeerControl.firstMessage, "lower types are the session's own")
        guard payload.readableBytes <= PeerFrameHeader.longestPayload else { throw .tooLong(payload.readableBytes) }
        guard let connection = directory.withLock({ $0[peer] }) else {
            throw names.contains(peer) ? .down(peer) : .unknownPeer(peer)
        }
        switch await connection.outgoing.reserve(PeerFrameHeader.length + payload.readableBytes) {
        case .granted: eventLoop.execute { connection.send(type, payload) }
        case .closed: throw .down(peer)
        case .cancelled: throw .cancelled
        }
    }

    /// Sends a small message to a neighbour at once.
    /// - Parameters: as those of ``send(_:_:to:)``.
    /// - Returns: false if too much is on its way there.
    /// - Throws: where there is no session.
    public func sendAtOnce(_ type: UInt8, _ payload: ByteBuffer, to peer: String) throws(PeeringError) -> Bool {
        precondition(type >= PeerControl.firstMessage, "lower types are the session's own")
        guard payload.readableBytes <= PeerFrameHeader.longestPayload else { throw .tooLong(payload.readableBytes) }
        guard let connection = directory.withLock({ $0[peer] }) else {
            throw names.contains(peer) ? .down(peer) : .unknownPeer(peer)
        }
        switch connection.outgoing.reserveAtOnce(PeerFrameHeader.length + payload.readableBytes) {
        case .granted?: eventLoop.execute { connection.send(type, payload) }
        case .closed?, .cancelled?: throw .down(peer)
        case nil: return false
        }
        return true
    }

    /// The time that a message and its answer take, over the session.
    public func ping(_ peer: String, timeout: TimeSpan) async throws(PeeringError) -> TimeSpan {
        guard names.contains(peer) else { throw .unknownPeer(peer) }
        let result = await withCheckedContinuation { continuation in
            eventLoop.execute {
                guard let connection = self.neighbours[peer]?.connection,
                    let token = connection.ping({ continuation.resume(returning: $0) })
                else { return continuation.resume(returning: .failure(.down(peer))) }
                self.eventLoop.assumeIsolated().scheduleTask(in: .nanoseconds(timeout.nanoseconds)) {
                    connection.forget(token)?(.failure(.noAnswer(peer)))
                }
            }
        }
        return try result.get()
    }
}

extension Peering: PeerConnection.Owner {
    func up(_ connection: PeerConnection, _ hello: PeerHello) {
        settle(connection)
        guard !isStopping, var neighbour = neighbours[hello.name] else {
            return connection.end(.stopping, PeerClose(.stopping))
        }
        if let old = neighbour.connection, let oldHello = old.hello {
            let stays = PairRule.newStays(
                .init(isOpenedHere: connection.isOpenedHere, boot: hello.boot),
                insteadOf: .init(isOpenedHere: old.isOpenedHere, boot: oldHello.boot), own: name, peer: hello.name)
            let close = PeerClose(.duplicate, "the pair has another connection")
            guard stays else { return connection.end(.replaced, close) }
            old.end(.replaced, close)
            neighbour = neighbours[hello.name] ?? neighbour
        }
        lastSession += 1
        let session = PeerSession(
            identifier: lastSession, hello: hello, remote: connection.remote, isOpenedHere: connection.isOpenedHere)
        neighbour.begin(session, connection, at: .now)
        neighbours[hello.name] = neighbour
        directory.withLock { $0[hello.name] = connection }
        tell(.up(session))
    }

    func received(_ connection: PeerConnection, type: UInt8, payload: ByteBuffer) {
        guard let name = connection.hello?.name, let neighbour = neighbours[name],
            neighbour.connection === connection, let session = neighbour.session
        else { return connection.incoming.release(PeerFrameHeader.length + payload.readableBytes) }
        neighbours[name]?.messagesReceived += 1
        tell(
            .message(session, type: type, payload: payload), PeerFrameHeader.length + payload.readableBytes,
            connection.incoming)
    }

    func refused(_ connection: PeerConnection, _ reason: PeeringRefusal, _ detail: String) {
        settle(connection)
        refused(reason, by: connection.remote, connection.check.result.name ?? connection.wanted, detail)
        if let wanted = connection.wanted { neighbours[wanted]?.lastFailure = "\(reason.name): \(detail)" }
    }

    /// Counts a refusal, and tells it unless there are too many.
    func refused(_ reason: PeeringRefusal, by remote: TransportAddress?, _ peer: String?, _ detail: String) {
        refusals[reason, default: 0] += 1
        guard news.admits(.anyV6, at: .now) else { return }
        tell(.refused(PeeringRefused(reason: reason, peer: peer, remote: remote, detail: detail)))
    }

    func down(_ connection: PeerConnection, _ reason: PeerDownReason) {
        if case .malformed = reason { refusals[.malformed, default: 0] += 1 }
        guard let name = connection.hello?.name, var neighbour = neighbours[name],
            neighbour.connection === connection, let session = neighbour.session
        else { return }
        directory.withLock { $0[name] = nil }
        neighbour.end(reason, at: .now, worthAfter: configuration.limits.deadAfter)
        neighbours[name] = neighbour
        tell(.down(session, reason))
        // Where another connection takes its place, that one calls it off.
        dialAgain(name)
    }

    func closed(_ connection: PeerConnection) {
        settle(connection)
        connections[ObjectIdentifier(connection)] = nil
        guard let wanted = connection.wanted, neighbours[wanted]?.dialled === connection else { return }
        neighbours[wanted]?.dialled = nil
        neighbours[wanted]?.isDialling = false
        dialAgain(wanted)
    }

    /// An accepted connection is half open no more.
    private func settle(_ connection: PeerConnection) {
        guard halfOpen.remove(ObjectIdentifier(connection)) != nil, let remote = connection.remote else { return }
        gate.finished(remote.address)
    }
}

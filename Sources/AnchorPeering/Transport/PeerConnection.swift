import AnchorCore
import AnchorPKI
import AnchorProtocol
import Foundation
import NIOCore
import NIOSSL
import NIOTLS

/// One connection: carries out what its ``SessionMachine`` says, behind TLS in the channel's pipeline.
///
/// All of it happens on its event loop, the windows apart, which is what makes it safe to hand around.
final class PeerConnection: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// Told what becomes of it; on the event loop.
    protocol Owner: AnyObject {
        func up(_ connection: PeerConnection, _ hello: PeerHello)
        func received(_ connection: PeerConnection, type: UInt8, payload: ByteBuffer)
        func refused(_ connection: PeerConnection, _ reason: PeeringRefusal, _ detail: String)
        /// A session no more.
        func down(_ connection: PeerConnection, _ reason: PeerDownReason)
        /// The channel is gone, whatever it was.
        func closed(_ connection: PeerConnection)
    }

    let channel: any Channel
    let check: PeerCheck
    let remote: TransportAddress?
    /// The neighbour that it was opened to; `nil` for one that was accepted.
    let wanted: String?
    private(set) var hello: PeerHello?
    private(set) var validUntil = Date.distantFuture
    let outgoing: OutgoingWindow
    private(set) var incoming: IncomingWindow!
    private(set) var bytesReceived: UInt64 = 0
    private(set) var bytesSent: UInt64 = 0
    /// Smoothed as in RFC 6298, section 2; `nil` before the first answer.
    private(set) var roundTrip: TimeSpan?

    private weak var owner: (any Owner)?
    private let limits: PeeringLimits
    private let ownHello: [UInt8]
    private var machine: SessionMachine?
    private var assembler = FrameAssembler()
    private var context: ChannelHandlerContext?
    private var handshakeTimer: Scheduled<Void>?
    private var keepAliveTimer: RepeatedTask?
    private var isReadHeld = false
    private var isFlushScheduled = false
    /// It was refused or has ended; what still comes means nothing.
    private var isOver = false
    private var pings: [UInt64: (Result<TimeSpan, PeeringError>) -> Void] = [:]

    init(
        _ channel: any Channel, to remote: TransportAddress?, check: PeerCheck, wanted: String?, ownHello: [UInt8],
        limits: PeeringLimits, owner: any Owner
    ) {
        self.channel = channel
        self.check = check
        self.wanted = wanted
        self.ownHello = ownHello
        self.limits = limits
        self.owner = owner
        self.remote = remote
        outgoing = OutgoingWindow(limits.outgoingWindow)
        incoming = IncomingWindow(limits.incomingWindow, on: channel.eventLoop) { [weak self] in self?.readAgain() }
    }

    var isOpenedHere: Bool { wanted != nil }

    private var now: MonotonicInstant { .now }

    // MARK: The channel

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func channelActive(context: ChannelHandlerContext) {
        let timeout = TimeAmount.nanoseconds(limits.handshakeTimeout.nanoseconds)
        handshakeTimer = context.eventLoop.assumeIsolated().scheduleTask(in: timeout) {
            self.refuse(.handshakeTimeout, "no hello in \(self.limits.handshakeTimeout.nanoseconds / 1_000_000) ms")
        }
        context.fireChannelActive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        leave()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { handshakeCompleted() }
        context.fireUserInboundEventTriggered(event)
    }

    private func handshakeCompleted() {
        guard let peer = check.result.peer else {
            return refuse(.noCertificate, PeeringRefusal.noCertificate.meaning)
        }
        validUntil = peer.validUntil
        machine = SessionMachine(peer, limits, seed: .random(in: .min ... .max), at: now)
        send(.hello, ownHello)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var input = unwrapInboundIn(data)
        bytesReceived += UInt64(input.readableBytes)
        machine?.hear(at: now)
        while !isOver, let longest = machine?.longestPayload {
            do throws(PeerProtocolError) {
                guard let frame = try assembler.next(&input, longest: longest) else { return }
                perform(machine!.receive(frame.type, frame.payload, at: now))
            } catch {
                perform(machine!.fail(error))
            }
        }
    }

    func read(context: ChannelHandlerContext) {
        if incoming.isPaused { isReadHeld = true } else { context.read() }
    }

    private func readAgain() {
        guard isReadHeld else { return }
        isReadHeld = false
        context?.read()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isOver else { return }
        if machine?.isUp == true {
            over(.lost(TLSFailure.describe(error)))
        } else {
            let reason = check.result.refusal ?? TLSFailure.refusal(error)
            refuse(reason, check.result.refusal == nil ? TLSFailure.describe(error) : reason.meaning)
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isOver {
            if machine?.isUp == true {
                over(.lost("it ended without a goodbye"))
            } else {
                let reason = check.result.refusal ?? .abandoned
                refuse(reason, reason.meaning)
            }
        }
        leave()
        context.fireChannelInactive()
    }

    /// The channel has ended, or was never connected.
    private func leave() {
        if !isOver { finish() }
        owner?.closed(self)
        owner = nil
    }

    // MARK: The session

    private func perform(_ actions: [SessionMachine.Action]) {
        for action in actions {
            switch action {
            case .send(let type, let payload):
                // What the other end does not take is not heaped up.
                if type == .pong, !channel.isWritable { continue }
                send(type, payload)
            case .up(let hello): begin(hello)
            case .deliver(let type, let payload):
                incoming.take(PeerFrameHeader.length + payload.readableBytes)
                owner?.received(self, type: type, payload: payload)
            case .answered(let token, let span):
                roundTrip = roundTrip.map { ($0 * 7 + span) / 8 } ?? span
                pings.removeValue(forKey: token)?(.success(span))
            case .refuse(let reason, let detail): refuse(reason, detail)
            case .end(let reason, let close): end(reason, close)
            }
        }
    }

    private func begin(_ hello: PeerHello) {
        self.hello = hello
        handshakeTimer?.cancel()
        owner?.up(self, hello)
        guard !isOver else { return }
        let interval = TimeAmount.nanoseconds(limits.keepAlive.nanoseconds)
        // At once as well, so that the round trip is known.
        keepAliveTimer = channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: interval) {
            [weak self] _ in self?.keepAlive()
        }
    }

    private func keepAlive() {
        guard var machine, !isOver else { return }
        let actions = machine.keepAlive(isPaused: incoming.isPaused, at: now)
        self.machine = machine
        for action in actions {
            // What waits to go out is a sign of life as well.
            if case .send = action, !channel.isWritable { continue }
            perform([action])
        }
    }

    /// Pings once, beside those that keep the session alive.
    func ping(_ answer: @escaping (Result<TimeSpan, PeeringError>) -> Void) -> UInt64? {
        guard machine?.isUp == true, !isOver, let (token, action) = machine?.ping(at: now) else { return nil }
        pings[token] = answer
        perform([action])
        return token
    }

    /// Nobody waits for that answer any more.
    func forget(_ token: UInt64) -> ((Result<TimeSpan, PeeringError>) -> Void)? { pings.removeValue(forKey: token) }

    /// Ends a session, or what was to be one.
    func end(_ reason: PeerDownReason, _ close: PeerClose?) {
        guard !isOver else { return }
        if let close, machine != nil { send(.close, close.encoded) }
        over(reason)
        leaveTheChannel()
    }

    private func refuse(_ reason: PeeringRefusal, _ detail: String) {
        guard !isOver else { return }
        if machine != nil, reason != .refusedByPeer, reason != .abandoned {
            send(.close, PeerClose(.refused, "\(reason.name): \(detail)").encoded)
        }
        finish()
        owner?.refused(self, reason, detail)
        leaveTheChannel()
    }

    private func over(_ reason: PeerDownReason) {
        finish()
        owner?.down(self, reason)
    }

    private func finish() {
        isOver = true
        machine?.end()
        handshakeTimer?.cancel()
        keepAliveTimer?.cancel()
        outgoing.close()
        let waiting = pings
        pings = [:]
        for answer in waiting.values { answer(.failure(.down(hello?.name ?? ""))) }
        // What is held back would keep the end of the connection from being seen.
        readAgain()
    }

    /// What was sent last goes out before.
    private func leaveTheChannel() {
        context?.flush()
        channel.close(promise: nil)
    }

    // MARK: Sending

    private func send(_ type: PeerControl, _ payload: [UInt8]) {
        var frame = channel.allocator.buffer(capacity: PeerFrameHeader.length + payload.count)
        frame.writeInteger(PeerFrameHeader(type: type.rawValue, payloadLength: payload.count).bits)
        frame.writeBytes(payload)
        write(frame, promise: nil)
        flushSoon()
    }

    /// A message of the session's users, for which room was reserved in ``outgoing``.
    func send(_ type: UInt8, _ payload: ByteBuffer) {
        let length = payload.readableBytes
        let promise = channel.eventLoop.makePromise(of: Void.self)
        promise.futureResult.whenComplete { [outgoing] _ in outgoing.release(PeerFrameHeader.length + length) }
        guard !isOver, context != nil else { return promise.fail(ChannelError.ioOnClosedChannel) }
        let isSmall = length <= Self.copied
        var head = channel.allocator.buffer(capacity: PeerFrameHeader.length + (isSmall ? length : 0))
        head.writeInteger(PeerFrameHeader(type: type, payloadLength: length).bits)
        if isSmall {
            head.writeImmutableBuffer(payload)
            write(head, promise: promise)
        } else {
            write(head, promise: nil)
            write(payload, promise: promise)
        }
        flushSoon()
    }

    /// Payloads up to so many bytes are put behind their header, which costs less than a record of TLS.
    private static let copied = 4096

    private func write(_ bytes: ByteBuffer, promise: EventLoopPromise<Void>?) {
        bytesSent += UInt64(bytes.readableBytes)
        guard let context else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(wrapOutboundOut(bytes), promise: promise)
    }

    /// Once for all that is sent in this turn of the event loop.
    private func flushSoon() {
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        channel.eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.context?.flush()
        }
    }
}

extension MonotonicInstant {
    /// Of the clock that event loops have.
    static var now: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(truncatingIfNeeded: NIODeadline.now().uptimeNanoseconds))
    }
}

import AnchorCore
import AnchorPKI
import AnchorProtocol
import NIOCore

/// One connection from the end of the handshake on, as a state machine: no clock, no socket.
struct SessionMachine {
    enum Action {
        case send(PeerControl, [UInt8])
        /// The hello came and agrees with the certificate.
        case up(PeerHello)
        /// For the session's user.
        case deliver(UInt8, ByteBuffer)
        /// A ping was answered.
        case answered(UInt64, TimeSpan)
        /// It can't become a session.
        case refuse(PeeringRefusal, String)
        /// It is none any more.
        case end(PeerDownReason, PeerClose?)
    }

    private enum State {
        case awaitingHello
        case up
        case ended
    }

    private let peer: VerifiedPeer
    private let limits: PeeringLimits
    private var state = State.awaitingHello
    /// When something came last.
    private var heard: MonotonicInstant
    /// Pings that were not answered yet, oldest first.
    private var pings: [(token: UInt64, sent: MonotonicInstant)] = []
    private var random: SeededRandom

    /// Pings that are remembered at once.
    private static let mostPings = 64

    /// - Parameter seed: for the tokens of pings.
    init(_ peer: VerifiedPeer, _ limits: PeeringLimits, seed: UInt64, at now: MonotonicInstant) {
        self.peer = peer
        self.limits = limits
        random = SeededRandom(seed: seed)
        heard = now
    }

    var isUp: Bool { if case .up = state { true } else { false } }

    /// Bytes of the largest payload that is read now.
    var longestPayload: Int { isUp ? PeerFrameHeader.longestPayload : PeerHello.longest }

    /// Something has come, be it part of a message.
    mutating func hear(at now: MonotonicInstant) { heard = now }

    mutating func receive(_ type: UInt8, _ payload: ByteBuffer, at now: MonotonicInstant) -> [Action] {
        switch state {
        case .ended: return []
        case .awaitingHello:
            switch PeerControl(rawValue: type) {
            case .hello: return greet(Array(payload.readableBytesView))
            // The other end has found out first.
            case .close: return close(Array(payload.readableBytesView))
            case .ping, .pong, nil: return fail(.helloExpected(type: type))
            }
        case .up:
            guard type < PeerControl.firstMessage else { return [.deliver(type, payload)] }
            switch PeerControl(rawValue: type) {
            case .hello: return fail(.secondHello)
            case .ping:
                guard (8...64).contains(payload.readableBytes) else {
                    return fail(.payloadLength(type: type, length: payload.readableBytes))
                }
                return [.send(.pong, Array(payload.readableBytesView))]
            case .pong: return pong(payload, at: now)
            case .close: return close(Array(payload.readableBytesView))
            // Of a later version, which must not rely on it.
            case nil: return []
            }
        }
    }

    private mutating func greet(_ payload: [UInt8]) -> [Action] {
        let hello: PeerHello
        do throws(PeerProtocolError) { hello = try PeerHello(payload) } catch { return fail(error) }
        guard hello.name == peer.identity.name else {
            state = .ended
            // What may hold anything is not repeated.
            let other = CertifiedIdentity.isName(hello.name) ? "'\(hello.name)'" : "something that is no name"
            return [.refuse(.helloName, "it calls itself \(other), its certificate '\(peer.identity.name)'")]
        }
        for endpoint in hello.endpoints where !peer.identity.addresses.contains(endpoint) {
            state = .ended
            return [.refuse(.helloEndpoint, "its certificate does not name its tunnel endpoint \(endpoint)")]
        }
        state = .up
        return [.up(hello)]
    }

    private mutating func pong(_ payload: ByteBuffer, at now: MonotonicInstant) -> [Action] {
        guard payload.readableBytes == 8, let token = payload.getInteger(at: payload.readerIndex, as: UInt64.self)
        else { return fail(.payloadLength(type: PeerControl.pong.rawValue, length: payload.readableBytes)) }
        guard let place = pings.firstIndex(where: { $0.token == token }) else { return [] }
        let sent = pings[place].sent
        pings.removeSubrange(...place)
        return [.answered(token, now - sent)]
    }

    private mutating func close(_ payload: [UInt8]) -> [Action] {
        let wasUp = isUp
        do throws(PeerProtocolError) {
            let close = try PeerClose(payload)
            state = .ended
            guard wasUp else { return [.refuse(.refusedByPeer, "\(PeerDownReason.closedByPeer(close))")] }
            return [.end(close.code == .duplicate ? .replaced : .closedByPeer(close), nil)]
        } catch {
            return fail(error)
        }
    }

    /// What came is not of the protocol.
    mutating func fail(_ error: PeerProtocolError) -> [Action] {
        guard case .ended = state else {
            let wasUp = isUp
            state = .ended
            guard wasUp else { return [.refuse(.malformed, "it has sent \(error)")] }
            return [.end(.malformed(error), PeerClose(.refused, "\(error)"))]
        }
        return []
    }

    /// A ping with a token of its own.
    mutating func ping(at now: MonotonicInstant) -> (token: UInt64, action: Action) {
        let token = random.next()
        if pings.count == Self.mostPings { pings.removeFirst() }
        pings.append((token, now))
        return (token, .send(.ping, withUnsafeBytes(of: token.bigEndian) { Array($0) }))
    }

    /// From time to time.
    /// - Parameter isPaused: this end doesn't read, so that nothing can have come.
    mutating func keepAlive(isPaused: Bool, at now: MonotonicInstant) -> [Action] {
        guard isUp else { return [] }
        if isPaused { heard = now }
        guard now - heard < limits.deadAfter else {
            state = .ended
            return [.end(.silent, PeerClose(.silent))]
        }
        return [ping(at: now).action]
    }

    /// This end has its reasons.
    mutating func end() { state = .ended }
}

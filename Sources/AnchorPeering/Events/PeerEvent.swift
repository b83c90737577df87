import AnchorPKI
import AnchorProtocol
import Foundation
import NIOCore

/// What happens between this router and its neighbours.
public enum PeerEvent: Sendable {
    /// A session has begun.
    case up(PeerSession)
    /// It has ended; nothing more of it comes.
    case down(PeerSession, PeerDownReason)
    /// A message of its users.
    case message(PeerSession, type: UInt8, payload: ByteBuffer)
    /// Somebody was refused. Of a flood only some are told; all are counted.
    case refused(PeeringRefused)
    /// Certificate files have changed and are in use for new sessions.
    case credentialsRenewed(validUntil: Date)
    /// Certificate files have changed and can't be used; the former ones stay in use.
    case credentialsRefused(PKIError)
}

/// A session, from up to down. A pair that loses its session and makes another has two of these.
public struct PeerSession: Hashable, Sendable {
    /// Never used twice in a run.
    public var identifier: UInt64
    public var hello: PeerHello
    public var remote: TransportAddress?
    /// By this router; else by the peer.
    public var isOpenedHere: Bool

    public var peer: String { hello.name }
}

/// Who was refused, and why.
public struct PeeringRefused: Hashable, Sendable {
    public var reason: PeeringRefusal
    /// Who its certificate says that it is, if that much was found out, or who was expected there.
    public var peer: String?
    public var remote: TransportAddress?
    /// More about it.
    public var detail: String
}

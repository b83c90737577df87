import AnchorCore
import AnchorProtocol
import Foundation
import NIOCore

/// What is known of one configured neighbour.
struct Neighbour {
    let peer: ConfiguredPeer
    var backoff: Backoff
    /// The connection of the session, if there is one.
    private(set) var connection: PeerConnection?
    private(set) var session: PeerSession?
    private(set) var since: MonotonicInstant?
    /// The next attempt to connect.
    var attempt: Scheduled<Void>?
    /// A connection is being opened, or one that was opened here is there.
    var isDialling = false
    var dialled: PeerConnection?
    /// Why there is no session, or why the last one has ended.
    var lastFailure: String?
    private(set) var sessions: UInt64 = 0
    /// Of sessions before the one that there is now.
    private var bytesReceived: UInt64 = 0
    private var bytesSent: UInt64 = 0
    var messagesReceived: UInt64 = 0

    init(_ peer: ConfiguredPeer, limits: PeeringLimits) {
        self.peer = peer
        backoff = Backoff(limits, seed: .random(in: .min ... .max))
    }

    mutating func begin(_ session: PeerSession, _ connection: PeerConnection, at now: MonotonicInstant) {
        self.session = session
        self.connection = connection
        since = now
        sessions += 1
        lastFailure = nil
        attempt?.cancel()
        attempt = nil
    }

    /// - Parameter worthAfter: a session that lasted so long ends the growth of pauses.
    mutating func end(_ reason: PeerDownReason, at now: MonotonicInstant, worthAfter: TimeSpan) {
        if let since, now - since > worthAfter { backoff.reset() }
        bytesReceived += connection?.bytesReceived ?? 0
        bytesSent += connection?.bytesSent ?? 0
        session = nil
        connection = nil
        since = nil
        lastFailure = "\(reason)"
    }

    /// As it is now.
    func status(at now: MonotonicInstant) -> PeerStatus {
        PeerStatus(
            peer: peer, session: session, upFor: since.map { now - $0 }, roundTrip: connection?.roundTrip,
            validUntil: connection?.validUntil, lastFailure: lastFailure, sessions: sessions,
            bytesReceived: bytesReceived + (connection?.bytesReceived ?? 0),
            bytesSent: bytesSent + (connection?.bytesSent ?? 0), messagesReceived: messagesReceived)
    }
}

/// A neighbour as an operator sees it.
public struct PeerStatus: Sendable {
    public var peer: ConfiguredPeer
    /// `nil` while there is none.
    public var session: PeerSession?
    public var upFor: TimeSpan?
    /// Smoothed; `nil` before the first answer.
    public var roundTrip: TimeSpan?
    /// When the certificate ends that the session began with.
    public var validUntil: Date?
    /// Why there is no session.
    public var lastFailure: String?
    /// How many there were in this run.
    public var sessions: UInt64
    /// Inside of TLS, of all sessions of this run.
    public var bytesReceived: UInt64
    public var bytesSent: UInt64
    /// Those of the session's users.
    public var messagesReceived: UInt64
}

/// Peering at a glance.
public struct PeeringStatus: Sendable {
    public var name: String
    /// In the order of their names.
    public var peers: [PeerStatus]
    /// Connections and sessions that were refused, by reason; those that are 0 too.
    public var refusals: [(reason: PeeringRefusal, count: UInt64)]
    /// Accepted connections that are no sessions yet.
    public var halfOpen: Int
    /// When the own certificate ends.
    public var validUntil: Date
}

import NetworkTypes

/// A neighbour of an access router, and the session with it.
public struct PeerModel: Hashable, Sendable, Codable {
    public enum State: String, Sendable, Codable {
        /// There is a session.
        case up
        /// There is none; `lastFailure` says why.
        case down
    }

    public var name: String
    /// Where it listens, as configured.
    public var address: IPAddress
    public var port: UInt16
    public var state = State.down
    /// `here` or `peer`: who opened the connection.
    public var openedBy: String?
    /// Address and port at the other end.
    public var remote: String?
    /// Where its tunnels end, as it says and its certificate allows.
    public var endpoints: [IPAddress]?
    /// Its number in messages to nodes.
    public var router: UInt64?
    /// Grows with each of its starts.
    public var epoch: UInt32?
    /// Seconds.
    public var upFor: Double?
    /// Seconds, smoothed; absent before the first answer.
    public var roundTrip: Double?
    /// When the certificate ends that the session began with: ISO 8601.
    public var certificateUntil: String?
    /// How many there were since this daemon's start.
    public var sessions: UInt64 = 0
    /// Inside of TLS, of all of them.
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
    /// Why there is no session.
    public var lastFailure: String?

    public init(name: String, address: IPAddress, port: UInt16) {
        self.name = name
        self.address = address
        self.port = port
    }
}

/// What came of a ping.
public struct PeerPingModel: Hashable, Sendable, Codable {
    public var peer: String
    /// Seconds; absent where no answer came in time.
    public var roundTrip: Double?

    public init(peer: String, roundTrip: Double?) {
        self.peer = peer
        self.roundTrip = roundTrip
    }
}

import AnchorCore

/// Times and bounds of peering.
public struct PeeringLimits: Sendable {
    /// Between two pings of a session.
    public var keepAlive = TimeSpan.seconds(5)
    /// A session that nothing comes from for so long has ended.
    public var deadAfter = TimeSpan.seconds(15)
    /// From the connection to the hello.
    public var handshakeTimeout = TimeSpan.seconds(5)
    /// Before a neighbour is tried again: the first time, and never longer than. Both are jittered by a quarter.
    public var shortestPause = TimeSpan.milliseconds(500)
    public var longestPause = TimeSpan.seconds(30)
    /// Connections of one source (an IPv4 address, a /64 of IPv6) that get as far as cryptography (T19).
    public var handshakes = RateLimit(perSecond: 5, burst: 20)
    /// Accepted connections without a hello: of all sources that are no neighbour's address, and of one source.
    public var halfOpen = 64
    public var halfOpenOfOneSource = 8
    /// Bytes that a session may have sent and the kernel not taken, before senders wait.
    public var outgoingWindow = 2 << 20
    /// Bytes of messages that a session may have delivered and nobody taken, before it reads no more.
    public var incomingWindow = 2 << 20
    /// How often certificate files are looked at for changes.
    public var credentialCheck = TimeSpan.seconds(2)

    public init() {}
}

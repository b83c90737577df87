import NetworkTypes

/// What a mobile node is told at its start.
public struct MobileNodeConfiguration: Sendable {
    /// The node's number in its messages.
    public var node: UInt64
    /// Grows at each start; its user stores it before the first event.
    public var epoch: UInt32
    /// Security parameters index and key, the same at every router.
    public var spi: UInt32
    public var key: [UInt8]
    /// Interfaces that may attach, the preferred one first.
    public var interfaces: [InterfaceID]
    /// Addresses to ask for.
    public var families: Set<AddressFamily> = [.v4, .v6]
    public var tunnel = TunnelPreference.ipInIP
    /// Both-in-use addresses send both copies [0052].
    public var bicast = true
    /// First retransmission of an unanswered message; each one after it waits twice as long.
    public var retransmission = TimeSpan.milliseconds(50)
    /// The longest wait between two.
    public var longestRetransmission = TimeSpan.seconds(5)
    /// A router from which nothing was heard for so long, though it advertised an interval, is looked for again.
    public var routerLifetime = TimeSpan.seconds(10)
    /// How long an address without flows is kept after a move before its anchor is released.
    public var linger = TimeSpan.seconds(2)
    /// Seed of the jitter of retransmissions.
    public var randomSeed: UInt64 = 0

    public init(node: UInt64, epoch: UInt32, spi: UInt32, key: [UInt8], interfaces: [InterfaceID]) {
        self.node = node
        self.epoch = epoch
        self.spi = spi
        self.key = key
        self.interfaces = interfaces
    }
}

/// The tunnel that a mobile node asks its anchors for.
public enum TunnelPreference: Hashable, Sendable {
    case ipInIP
    /// GRE with the key that the anchor named, with sequence numbers [0054] if wanted.
    case gre(sequenced: Bool)
}

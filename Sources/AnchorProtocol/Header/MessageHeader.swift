/// The first 36 bytes of each message, big-endian.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |      Magic = 0x4641 "FA"      |  Version = 1  |     Type      |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |             Flags             |            Length             |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                Security parameters index (SPI)                |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                             Epoch                             |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                           Sequence                            |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                                                               |
///     +                            Sender                             +
///     |                                                               |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                                                               |
///     +                           Recipient                           +
///     |                                                               |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///
/// Magic, version, type, flags and length are the codec's; this type holds what a sender chooses. The recipient is
/// part of what is authenticated because a node has one key for all routers: a message captured on the way to one
/// router has no effect at another.
public struct MessageHeader: Hashable, Sendable {
    /// Bytes on the wire.
    public static let length = 36
    /// "FA".
    public static let magic: UInt16 = 0x4641
    /// The one version of the protocol so far.
    public static let version: UInt8 = 1
    /// The largest message: with IPv6 and UDP headers it fits the smallest MTU of IPv6 (RFC 8200, section 5) and is
    /// never fragmented.
    public static let longestMessage = 1232

    /// Which key authenticates the message; 0 for none, and then there is no authenticator at its end.
    public var spi: UInt32
    /// Grows at each start of the sender. Never 0.
    public var epoch: UInt32
    /// Grows with each message of the sender in its epoch, retransmissions included.
    public var sequence: UInt32
    /// The node's or the router's number.
    public var sender: UInt64
    /// The number of the one that is addressed; 0 for whoever hears it, which only discovery and unauthenticated errors may use.
    public var recipient: UInt64

    public init(spi: UInt32, epoch: UInt32, sequence: UInt32, sender: UInt64, recipient: UInt64) {
        self.spi = spi
        self.epoch = epoch
        self.sequence = sequence
        self.sender = sender
        self.recipient = recipient
    }
}

/// The first 8 bytes of each message between routers, big-endian; they stand one behind the other in a TLS stream.
///
///      0                   1                   2                   3
///      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |      Magic = 0x4650 "FP"      |  Version = 1  |     Type      |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                     Length of the payload                     |
///     +-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+-+
///     |                          Payload ...
///
/// The datagrams between nodes and routers have another header: keys, numbering and a length of 16 bits, of which TLS
/// does the first two and the last is too small for tables.
public struct PeerFrameHeader: Hashable, Sendable {
    /// Bytes on the wire.
    public static let length = 8
    /// "FP".
    public static let magic: UInt16 = 0x4650
    /// The one version of the protocol so far.
    public static let version: UInt8 = 1
    /// Bytes of the largest payload. A header that states more ends the session before any of it is kept.
    public static let longestPayload = 256 << 10

    /// ``PeerControl`` below ``PeerControl/firstMessage``; from there on what the session's users have agreed on.
    public var type: UInt8
    /// Bytes.
    public var payloadLength: Int

    /// - Parameter payloadLength: at most ``longestPayload``; more is a bug and traps.
    public init(type: UInt8, payloadLength: Int) {
        precondition((0...Self.longestPayload).contains(payloadLength), "a payload is at most 256 KiB")
        self.type = type
        self.payloadLength = payloadLength
    }

    /// The header as one number, the first byte its highest.
    public var bits: UInt64 {
        UInt64(Self.magic) << 48 | UInt64(Self.version) << 40 | UInt64(type) << 32 | UInt64(payloadLength)
    }

    /// - Throws: why no stream of this protocol goes on like that.
    public init(bits: UInt64) throws(PeerProtocolError) {
        let magic = UInt16(truncatingIfNeeded: bits >> 48)
        guard magic == Self.magic else { throw .badMagic(magic) }
        let version = UInt8(truncatingIfNeeded: bits >> 40)
        guard version == Self.version else { throw .unsupportedVersion(version) }
        let length = UInt32(truncatingIfNeeded: bits)
        guard length <= UInt32(Self.longestPayload) else { throw .tooLong(length) }
        type = UInt8(truncatingIfNeeded: bits >> 32)
        payloadLength = Int(length)
    }
}

/// What the session itself is made of; all other types are its users'.
public enum PeerControl: UInt8, Hashable, Sendable, CaseIterable {
    /// First from both ends: ``PeerHello``.
    case hello = 1
    /// Is somebody there? Its payload, 8 to 64 bytes, comes back.
    case ping = 2
    case pong = 3
    /// Last: ``PeerClose``.
    case close = 4

    /// Types from here on belong to the session's users. Those between are kept for the session; who gets one that it
    /// does not know ignores it.
    public static let firstMessage: UInt8 = 16
}

/// A flow of a translated host, as routers tell it one another [0080]: IPv4, as its packets are when they come from the
/// host, whose address is the message's. 14 bytes.
public struct FlowRecord: Hashable, Sendable {
    /// Bytes on the wire.
    public static let length = 14

    /// Where it began: index in ``Flows/anchors``.
    public var anchor: UInt8
    /// 1, 6 or 17.
    public var transport: UInt8
    /// The host's port, or the identifier of ICMP echo.
    public var localPort: UInt16
    /// The correspondent's address as a number.
    public var remote: UInt32
    /// 0 for ICMP.
    public var remotePort: UInt16
    /// Seconds since its last packet, at most 65,535.
    public var idle: UInt16
    /// What has been seen of it, as in the data plane (packet, SYN, FIN, RST): it decides how long the flow is kept.
    public var seen: UInt16

    public init(
        anchor: UInt8, transport: UInt8, localPort: UInt16, remote: UInt32, remotePort: UInt16, idle: UInt16 = 0,
        seen: UInt16 = 0
    ) {
        self.anchor = anchor
        self.transport = transport
        self.localPort = localPort
        self.remote = remote
        self.remotePort = remotePort
        self.idle = idle
        self.seen = seen
    }

    static func isTranslated(_ transport: UInt8) -> Bool { transport == 1 || transport == 6 || transport == 17 }
}

import NetworkTypes

/// A row of a mobile node's flow table [0037].
public struct FlowModel: Hashable, Sendable, Codable {
    /// oAR: the router where the flow began.
    public var anchor: IPAddress?
    /// CN.
    public var correspondent: IPAddress
    /// MN: the own address that the flow uses.
    public var address: IPAddress
    /// `tcp`, `udp`, `icmp`, or the protocol's number.
    public var transport: String
    /// 0 for protocols without ports; the identifier for ICMP.
    public var port: UInt16
    public var correspondentPort: UInt16
    /// `open`, `closing` or `ended`.
    public var state: String
    /// Since its last packet, in seconds.
    public var idle: Double
    public var packetsSent: UInt64
    public var packetsReceived: UInt64
    public var bytesSent: UInt64
    public var bytesReceived: UInt64

    public init(
        anchor: IPAddress?, correspondent: IPAddress, address: IPAddress, transport: String, port: UInt16,
        correspondentPort: UInt16, state: String, idle: Double, packetsSent: UInt64, packetsReceived: UInt64,
        bytesSent: UInt64, bytesReceived: UInt64
    ) {
        self.anchor = anchor
        self.correspondent = correspondent
        self.address = address
        self.transport = transport
        self.port = port
        self.correspondentPort = correspondentPort
        self.state = state
        self.idle = idle
        self.packetsSent = packetsSent
        self.packetsReceived = packetsReceived
        self.bytesSent = bytesSent
        self.bytesReceived = bytesReceived
    }
}

/// One of a mobile node's own addresses and the router that anchors its flows.
public struct AnchorModel: Hashable, Sendable, Codable {
    public var address: IPAddress
    public var anchor: IPAddress
    public var router: UInt64
    /// `direct`, `tunnelled`, `both` or `unreachable`.
    public var path: String
    public var careOf: IPAddress?
    public var interface: String?
    /// Live flows.
    public var flows: Int
    /// New sockets use it.
    public var preferred: Bool

    public init(
        address: IPAddress, anchor: IPAddress, router: UInt64, path: String, careOf: IPAddress?,
        interface: String?, flows: Int, preferred: Bool
    ) {
        self.address = address
        self.anchor = anchor
        self.router = router
        self.path = path
        self.careOf = careOf
        self.interface = interface
        self.flows = flows
        self.preferred = preferred
    }
}

/// Where a mobile node is to attach.
public struct AttachModel: Hashable, Sendable, Codable {
    public var interface: String
    /// The router's number; absent: whichever answers.
    public var router: UInt64?

    public init(interface: String, router: UInt64? = nil) {
        self.interface = interface
        self.router = router
    }
}

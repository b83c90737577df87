import NetworkTypes

/// A UDP datagram of the anchor protocol as it was received.
public struct Datagram: Hashable, Sendable {
    /// The sender; unspecified for a node that has no address yet.
    public var source: IPAddress
    public var sourcePort: UInt16
    /// The address that it was sent to.
    public var destination: IPAddress
    /// The access link (router) or uplink (mobile node) on which it arrived; `nil` for any other interface.
    public var interface: InterfaceID?
    public var bytes: [UInt8]

    public init(
        source: IPAddress, sourcePort: UInt16, destination: IPAddress, interface: InterfaceID?, bytes: [UInt8]
    ) {
        self.source = source
        self.sourcePort = sourcePort
        self.destination = destination
        self.interface = interface
        self.bytes = bytes
    }
}

/// A datagram to send. The port of the sender is always the protocol's own.
public struct OutgoingDatagram: Hashable, Sendable {
    public var route: DatagramRoute
    public var bytes: [UInt8]

    public init(_ bytes: [UInt8], _ route: DatagramRoute) {
        self.route = route
        self.bytes = bytes
    }
}

/// Where a datagram goes.
public enum DatagramRoute: Hashable, Sendable {
    /// To one address by the routing table, from that source.
    case unicast(to: IPAddress, port: UInt16, from: IPAddress)
    /// To a neighbour on that link, from the link-local address of the family or, in IPv4, from the unspecified one
    /// or from the gateway's address.
    case neighbour(IPAddress, port: UInt16, on: InterfaceID)
    /// To every node on that link: limited broadcast (IPv4) or the group of all nodes (IPv6).
    case allNodes(on: InterfaceID, AddressFamily)
    /// To every anchor-protocol router on that link: limited broadcast (IPv4), from the unspecified address, or the
    /// routers' group (IPv6), from the link-local address.
    case allRouters(on: InterfaceID, AddressFamily)
}

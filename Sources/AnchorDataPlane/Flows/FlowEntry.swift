import FlowAnchorABI
import NetworkTypes

/// What names a flow: its five-tuple, seen from the mobile node. An echo has its identifier in place of the local port;
/// protocols without ports have 0.
public struct FlowKey: Hashable, Sendable {
    /// MN: an own address of the node.
    public var local: IPAddress
    public var localPort: UInt16
    /// CN.
    public var remote: IPAddress
    public var remotePort: UInt16
    /// IP protocol number.
    public var transport: UInt8

    public init(local: IPAddress, localPort: UInt16, remote: IPAddress, remotePort: UInt16, transport: UInt8) {
        self.local = local
        self.localPort = localPort
        self.remote = remote
        self.remotePort = remotePort
        self.transport = transport
    }
}

extension FlowKey: CustomStringConvertible {
    public var description: String {
        func end(_ address: IPAddress, _ port: UInt16) -> String {
            address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        }
        return "\(transport) \(end(local, localPort)) > \(end(remote, remotePort))"
    }
}

/// A flow as the mobile node's programs recorded it: a row of the flow table [0037].
public struct FlowEntry: Hashable, Sendable {
    public var key: FlowKey
    /// oAR: the anchor's tunnel endpoint; `nil` where the flow began while its anchor was the router attached to.
    public var anchor: IPAddress?
    /// Its TCP SYN was seen, in either direction; otherwise it is older than the table, or a stray packet made it.
    public var hasBegun: Bool
    /// A TCP reset, or a FIN in both directions, was seen.
    public var isEnded: Bool
    /// Since the last packet in either direction.
    public var idle: Duration
    /// Since the first packet.
    public var age: Duration
    /// Packets on the wire, and bytes of IP packets.
    public var packetsUp: UInt64
    public var bytesUp: UInt64
    public var packetsDown: UInt64
    public var bytesDown: UInt64

    public init(
        key: FlowKey, anchor: IPAddress? = nil, hasBegun: Bool = true, isEnded: Bool = false, idle: Duration = .zero,
        age: Duration = .zero, packetsUp: UInt64 = 0, bytesUp: UInt64 = 0, packetsDown: UInt64 = 0,
        bytesDown: UInt64 = 0
    ) {
        self.key = key
        self.anchor = anchor
        self.hasBegun = hasBegun
        self.isEnded = isEnded
        self.idle = idle
        self.age = age
        self.packetsUp = packetsUp
        self.bytesUp = bytesUp
        self.packetsDown = packetsDown
        self.bytesDown = bytesDown
    }
}

extension FlowKey {
    init(_ key: fa_flow_key) {
        self.init(
            local: key.local.address, localPort: UInt16(bigEndian: key.local_port_be), remote: key.remote.address,
            remotePort: UInt16(bigEndian: key.remote_port_be), transport: key.`protocol`)
    }
}

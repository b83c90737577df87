import NetworkTypes

/// A flow as the mobile node's programs recorded it [0037]: a row of the flow table of Figure 4.
struct MobileFlow: Hashable, Sendable {
    /// MN: the own address.
    var local: IPAddress
    var localPort: UInt16
    /// CN.
    var remote: IPAddress
    var remotePort: UInt16
    /// IP protocol number.
    var transport: UInt8
    /// oAR: the anchor's endpoint; `nil` where the flow began while its anchor was the router attached to.
    var anchor: IPAddress?
    /// A reset, or a FIN in both directions, was seen.
    var isEnded: Bool
    /// Since its last packet in either direction.
    var idle: Duration
    var packetsUp: UInt64
    var bytesUp: UInt64
    var packetsDown: UInt64
    var bytesDown: UInt64

    var identity: FlowIdentity {
        FlowIdentity(
            local: local, localPort: localPort, remote: remote, remotePort: remotePort, transport: transport)
    }
}

/// A five-tuple, seen from this node.
struct FlowIdentity: Hashable, Sendable {
    var local: IPAddress
    var localPort: UInt16
    var remote: IPAddress
    var remotePort: UInt16
    var transport: UInt8
}

/// How long a flow without packets counts as alive when nothing else tells.
struct FlowPatience: Sendable {
    /// RFC 5382, section 5: a connection that nobody closed may be silent for two hours and more.
    var tcp = Duration.seconds(2 * 3600 + 240)
    /// RFC 4787, section 4.3.
    var udp = Duration.seconds(120)
    /// RFC 5508, section 3.2.
    var echo = Duration.seconds(60)

    func holds(_ flow: MobileFlow) -> Bool {
        guard !flow.isEnded else { return false }
        return switch flow.transport {
        case 6: flow.idle < tcp
        case 1, 58: flow.idle < echo
        default: flow.idle < udp
        }
    }
}

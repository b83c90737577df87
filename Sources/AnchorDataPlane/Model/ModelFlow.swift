import FlowAnchorABI
import NetworkTypes

/// A row of a mobile node's flow table in the model.
public struct ModelFlow: Hashable, Sendable {
    /// What has been seen of a flow: only ever added to, until a new SYN begins anew.
    public struct Seen: OptionSet, Hashable, Sendable {
        public let rawValue: UInt32

        public init(rawValue: UInt32) { self.rawValue = rawValue }
        private init(_ bit: UInt32) { rawValue = bit }

        public static let up = Seen(FA_FLOW_UP)
        public static let down = Seen(FA_FLOW_DOWN)
        public static let synUp = Seen(FA_FLOW_SYN_UP)
        public static let synDown = Seen(FA_FLOW_SYN_DOWN)
        public static let finUp = Seen(FA_FLOW_FIN_UP)
        public static let finDown = Seen(FA_FLOW_FIN_DOWN)
        public static let reset = Seen(FA_FLOW_RST)
        public static let fragmented = Seen(FA_FLOW_FRAGMENTED)
    }

    /// The anchor's endpoint when the flow began; `nil` for an address that was not tunnelled then.
    public var anchor: IPAddress?
    public var seen: Seen
    /// Packets on the wire, and bytes of IP packets.
    public var packetsUp: UInt64 = 0
    public var bytesUp: UInt64 = 0
    public var packetsDown: UInt64 = 0
    public var bytesDown: UInt64 = 0

    /// A reset was seen, or a FIN in both directions.
    public var isEnded: Bool { seen.contains(.reset) || seen.isSuperset(of: [.finUp, .finDown]) }
}

extension ModelPacket {
    enum Direction {
        /// From the node.
        case up
        case down
    }

    /// What a packet says of its flow.
    struct FlowSign {
        var key: FlowKey
        var seen: ModelFlow.Seen
        /// A SYN without ACK.
        var opens = false
    }

    /// The five-tuple seen from the node [0037]; `nil` for a packet that belongs to no flow: a later fragment, an ICMP
    /// message that is no echo, a transport header that is cut short.
    func flow(_ header: Header, _ direction: Direction) -> FlowSign? {
        guard header.fragment != .later, header.payload <= Self.furthestHeader else { return nil }
        let isUp = direction == .up
        var key = FlowKey(
            local: isUp ? header.source : header.destination, localPort: 0,
            remote: isUp ? header.destination : header.source, remotePort: 0, transport: header.number)
        var seen: ModelFlow.Seen = [isUp ? .up : .down]
        if header.fragment == .first { seen.insert(.fragmented) }
        var opens = false
        switch header.number {
        case 6:
            guard hasTransport(header, 20) else { return nil }
            let flags = bytes[header.payload + 13]
            if flags & 0x04 != 0 { seen.insert(.reset) }
            if flags & 0x01 != 0 { seen.insert(isUp ? .finUp : .finDown) }
            if flags & 0x02 != 0 { seen.insert(isUp ? .synUp : .synDown) }
            opens = flags & 0x12 == 0x02
            setPorts(of: &key, header, direction)
        case 17, 33, 132, 136:  // UDP, DCCP, SCTP, UDP-Lite
            guard hasTransport(header, 8) else { return nil }
            setPorts(of: &key, header, direction)
        case 1, 58:
            guard hasTransport(header, 8),
                (header.number == 1 ? [8, 0] : [128, 129]).contains(bytes[header.payload])
            else { return nil }
            key.localPort = word(header.payload + 4)
        default: break
        }
        return FlowSign(key: key, seen: seen, opens: opens)
    }

    private func setPorts(of key: inout FlowKey, _ header: Header, _ direction: Direction) {
        let (source, destination) = (word(header.payload), word(header.payload + 2))
        (key.localPort, key.remotePort) = direction == .up ? (source, destination) : (destination, source)
    }
}

extension ModelDataPlane.Tables {
    /// Records a packet under its flow, and makes the flow if there is none [0041b].
    /// - Parameter own: the node's address at this end.
    mutating func record(
        _ packet: ModelPacket, _ header: ModelPacket.Header, _ own: HostEntry, _ direction: ModelPacket.Direction,
        _ aggregate: ModelAggregate?
    ) {
        guard let sign = packet.flow(header, direction) else { return }
        var flow = flows[sign.key] ?? ModelFlow(anchor: own.tunnel?.peer, seen: sign.seen)
        if sign.opens && flow.isEnded {
            // The ports are in use again.
            (flow.anchor, flow.seen) = (own.tunnel?.peer, sign.seen)
        } else {
            flow.seen.formUnion(sign.seen)
        }
        let packets = UInt64(aggregate?.packets(frame: packet.bytes.count) ?? 1)
        let bytes = UInt64(packet.bytes.count - header.start)
        switch direction {
        case .up: (flow.packetsUp, flow.bytesUp) = (flow.packetsUp + packets, flow.bytesUp + bytes)
        case .down: (flow.packetsDown, flow.bytesDown) = (flow.packetsDown + packets, flow.bytesDown + bytes)
        }
        flows[sign.key] = flow
    }
}

extension ModelDataPlane {
    /// A mobile node's flow table.
    public var flows: [FlowKey: ModelFlow] { tables.withLock { $0.flows } }
    /// Takes all of them out.
    public func removeFlows() { tables.withLock { $0.flows = [:] } }
}

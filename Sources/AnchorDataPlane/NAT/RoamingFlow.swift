import FlowAnchorABI
import NetworkTypes

/// A flow of a host that is, or was, at more than one router, as its packets are when they come from the host.
public struct RoamingFlow: Hashable, Sendable {
    /// IP protocol number: 1, 6 or 17.
    public var transport: UInt8
    /// The host's; of an ICMP query, its identifier.
    public var localPort: UInt16
    /// IPv4.
    public var remote: IPAddress
    /// 0 of an ICMP query.
    public var remotePort: UInt16
    /// The router where it began, by its index, see ``KernelDataPlane/setRouter(_:_:)``; `nil`: here.
    public var anchor: UInt32?
    /// When its last packet from the host was seen, in ticks of the programs' clock.
    public var lastSeen: UInt32
    /// What its host's packets were, `FA_NAT_SEEN` and so on.
    public var seen: UInt32
    /// A TCP connection that has ended: a FIN from both sides, or a RST. Only where it began both sides are seen.
    public var isClosing: Bool

    public init(
        transport: UInt8, localPort: UInt16, remote: IPAddress, remotePort: UInt16, anchor: UInt32?,
        lastSeen: UInt32 = 0, seen: UInt32 = FA_NAT_SEEN, isClosing: Bool = false
    ) {
        self.transport = transport
        self.localPort = localPort
        self.remote = remote
        self.remotePort = remotePort
        self.anchor = anchor
        self.lastSeen = lastSeen
        self.seen = seen
        self.isClosing = isClosing
    }
}

/// How many more flows that began at other routers a host may have, of each.
public struct AwayRoom: Hashable, Sendable {
    /// By the router's index.
    var left: [Int]
    private let most: Int

    init(most: Int, routers: Int) {
        self.most = most
        left = [Int](repeating: most, count: routers)
    }

    /// Routers of which it has any, by their indices.
    public var routers: Set<UInt32> { Set(left.indices.lazy.filter { left[$0] < most }.map { UInt32($0) }) }
}

/// What became of flows that began elsewhere, see ``NATTable/insertAway(_:of:)``.
public struct AwayResult: Hashable, Sendable {
    /// New in the table.
    public var inserted = 0
    /// In it already, or flows that began here.
    public var present = 0
    /// Not in it: no flow that can be, more than the host may have, or no room.
    public var refused = 0

    public init(inserted: Int = 0, present: Int = 0, refused: Int = 0) {
        self.inserted = inserted
        self.present = present
        self.refused = refused
    }

    public static func += (a: inout AwayResult, b: AwayResult) {
        a.inserted += b.inserted
        a.present += b.present
        a.refused += b.refused
    }
}

extension RoamingFlow {
    /// From a slot of one that began here or elsewhere.
    @inline(__always)
    init(_ slot: UnsafePointer<fa_translation>, _ memory: NATMemory) {
        let key = slot.pointee.key
        let seen = slot.pointee.seen
        var isClosing = seen & FA_NAT_RST != 0
        if key.`protocol` == 6, key.kind == NATKind.up {
            let down = memory.translations.slots + (Int(slot.pointee.twin) & (memory.translations.capacity - 1))
            let isWhole = down.pointee.key.kind == NATKind.down && down.pointee.mapping == slot.pointee.mapping
            let other = isWhole ? down.pointee.seen : 0
            isClosing = NATFlowState(transport: 6, seenUp: seen, seenDown: other) == .closing
        }
        self.init(
            transport: key.`protocol`, localPort: UInt16(bigEndian: key.local_port_be),
            remote: IPAddress(v4: UInt32(bigEndian: key.remote_be)), remotePort: UInt16(bigEndian: key.remote_port_be),
            anchor: key.kind == NATKind.away ? slot.pointee.router : nil, lastSeen: slot.pointee.last_seen,
            seen: seen, isClosing: isClosing)
    }

    /// Whether it can be a flow that began elsewhere.
    @inline(__always)
    var isAway: Bool {
        guard let anchor, anchor < FA_ROUTER_LIMIT, remote.isV4 else { return false }
        return NATRow.of(transport) != nil && (transport != 1 || remotePort == 0)
    }

    /// The key of its slot.
    @inline(__always)
    func key(_ local: UInt32, _ kind: UInt8) -> fa_nat_key {
        fa_nat_key(
            local_be: local, remote_be: (remote.v4Bits ?? 0).bigEndian, local_port_be: localPort.bigEndian,
            remote_port_be: remotePort.bigEndian, protocol: transport, kind: kind, pad: 0, realm: 0)
    }
}

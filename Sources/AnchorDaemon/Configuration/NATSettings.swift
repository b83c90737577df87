import AnchorDataPlane
import NetworkTypes

/// `[access-router.nat]`: IPv4 packets of hosts have another address when they leave for the core (NAT44) [0053].
public struct NATSettings: Sendable {
    /// `inside`: IPv4 blocks whose hosts are translated, parts of the access links' pools, at most 4. Default: all
    /// IPv4 pools.
    public var inside: [IPPrefix] = []
    /// `exempt`: IPv4 destinations that hosts go to with their own addresses, at most 4: where other anchors' endpoints
    /// are, since they know a node by its care-of address. Default: none.
    public var exempt: [IPPrefix] = []
    /// `outside`: the addresses that the core knows those hosts by and routes to this router: single ones, ranges such
    /// as 192.0.2.8-192.0.2.11, or blocks; at most 8 in a row each. An endpoint of this router may be one of them.
    public var outside: [OutsideAddresses] = []
    /// `flow-capacity`: flows at once; 384 to 768 bytes each, and 1.5 MiB for each outside address. Default: 65536.
    public var flowCapacity = 65536
    /// `flow-limit`: flows that a host may have at once. Default: 4096.
    public var flowLimit = 4096
    /// `blocks-per-host`: blocks of 512 ports that a host may have at once, 1 to 16. Default: 4.
    public var blocksPerHost = 4
    /// `tcp-established`: seconds that a silent TCP connection is kept. Default: 7440 (RFC 5382, REQ-5).
    public var tcpEstablished = 7440.0
    /// `tcp-transitory`: seconds that one is kept that has not begun yet, or has ended. Default: 240 (RFC 5382, REQ-5).
    public var tcpTransitory = 240.0
    /// `udp`: seconds that a silent UDP flow is kept. Default: 300 (RFC 4787, REQ-5).
    public var udp = 300.0
    /// `icmp`: seconds that a silent ICMP query is kept. Default: 60 (RFC 5508, REQ-2).
    public var icmp = 60.0
    /// `udp-inbound-refresh`: UDP packets from the core keep a flow as those from the host do (RFC 4787, REQ-6).
    /// Default: true.
    public var udpInboundRefresh = true

    public init() {}

    /// - Parameter access: the links whose hosts may be translated.
    init(_ reader: TableReader, access: [AccessLinkSettings]) {
        let blocks = reader.list("inside", of: "an IPv4 block, such as 10.1.0.0/24") { IPPrefix($0) }
        let pools = access.flatMap(\.blocks).filter { $0.family == .v4 }
        inside = blocks ?? pools
        exempt = reader.list("exempt", of: "an IPv4 block, such as 192.0.2.0/24") { IPPrefix($0) } ?? []
        let wanted = "an IPv4 address, a range such as 192.0.2.8-192.0.2.11, or a block"
        let listed = reader.list("outside", of: wanted) { OutsideAddresses($0) }
        outside = reader.required("outside", listed, "the addresses that the core knows the hosts by") ?? []
        flowCapacity = reader.integer("flow-capacity", in: 64...(1 << 25)) ?? flowCapacity
        flowLimit = reader.integer("flow-limit", in: 1...(1 << 25)) ?? min(flowLimit, flowCapacity)
        blocksPerHost = reader.integer("blocks-per-host", in: 1...PortBlock.perSubscriber) ?? blocksPerHost
        tcpEstablished = reader.seconds("tcp-established", in: 1...864000) ?? tcpEstablished
        tcpTransitory = reader.seconds("tcp-transitory", in: 1...864000) ?? tcpTransitory
        udp = reader.seconds("udp", in: 1...864000) ?? udp
        icmp = reader.seconds("icmp", in: 1...864000) ?? icmp
        udpInboundRefresh = reader.boolean("udp-inbound-refresh") ?? udpInboundRefresh
        NATChecks(self, reader, access: access).run(isInsideGiven: blocks != nil, isOutsideGiven: listed != nil)
        reader.finish()
    }

    var timeouts: NATTimeouts {
        NATTimeouts(
            tcpEstablished: .seconds(tcpEstablished), tcpTransitory: .seconds(tcpTransitory), udp: .seconds(udp),
            icmp: .seconds(icmp), udpInboundRefresh: udpInboundRefresh)
    }

    /// Sizes of the tables.
    /// - Parameter hosts: slots of the host table.
    func capacity(hosts: Int, outside: [OutsideRange]) -> NATCapacity {
        // Four times as many as there can be: the host table has twice as many slots already.
        let addresses = inside.reduce(UInt64(0)) { $0 &+ $1.count }
        let subscribers = max(64, min(2 * hosts, Int(clamping: addresses &* 4), 1 << 28))
        return NATCapacity(
            translations: NATCapacity.slots(flows: flowCapacity), subscribers: subscribers,
            outsideAddresses: max(1, outside.capacity))
    }
}

/// Consecutive IPv4 addresses: `192.0.2.1`, `192.0.2.8-192.0.2.11` or `192.0.2.0/29`.
public struct OutsideAddresses: Hashable, Sendable, LosslessStringConvertible {
    public var first: IPAddress
    public var count: Int

    public init?(_ text: String) {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        if ends.count == 2 {
            guard let first = IPAddress(String(ends[0])), let last = IPAddress(String(ends[1])),
                let low = first.v4Bits, let high = last.v4Bits, low <= high
            else { return nil }
            self.init(first: first, count: Int(high - low) + 1)
        } else {
            guard let prefix = IPPrefix(text), let bits = prefix.address.v4Bits else { return nil }
            let mask: UInt32 = prefix.length == 0 ? 0 : ~0 << UInt32(32 - prefix.length)
            self.init(first: IPAddress(v4: bits & mask), count: Int(prefix.count))
        }
    }

    init(first: IPAddress, count: Int) {
        self.first = first
        self.count = count
    }

    public var last: IPAddress { IPAddress(v4: (first.v4Bits ?? 0) &+ UInt32(truncatingIfNeeded: count - 1)) }

    public var description: String { count == 1 ? "\(first)" : "\(first)-\(last)" }

    func contains(_ address: IPAddress) -> Bool { address.isV4 && first <= address && address <= last }

    func overlaps(_ other: OutsideAddresses) -> Bool { first <= other.last && other.first <= last }

    func overlaps(_ prefix: IPPrefix) -> Bool {
        guard prefix.family == .v4, let other = OutsideAddresses(prefix.description) else { return false }
        return overlaps(other)
    }
}

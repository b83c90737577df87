import FlowAnchorABI
import NetworkTypes

/// NAT44 in the model [0053] [0079]: the flows of inside hosts and what they are translated to, by what they mean rather
/// than as slots. Of the programs' tables it knows only where there is no room left.
struct ModelNAT {
    /// Of the hash that chooses ports and places in the tables.
    var secret: [UInt64] = [0, 0]
    /// By inside address.
    var subscribers: [IPAddress: Subscriber] = [:]
    /// Ports that are taken.
    var ports = Ports()
    /// By their packets from the host.
    var flows: [Tuple: Flow] = [:]
    /// Flows by their packets from the core.
    var answers: [Tuple: Tuple] = [:]
    var mappings: [MappingKey: Mapping] = [:]
    var mappingOfPort: [OutsidePort: MappingKey] = [:]
    var filters: [FilterKey: Filter] = [:]
    /// Flows that began at other routers, by their packets from the host.
    var away: [Tuple: Away] = [:]
    var fragments = Fragments()
    var slots = Slots(buckets: 16384)
    /// Time since the model began.
    var now = Duration.zero
    /// Told of all that packets look up.
    var trace: LookUpTrace?

    enum Transport: UInt8, CaseIterable {
        case icmp = 1
        case tcp = 6
        case udp = 17
    }

    /// An address with a port of TCP or UDP, or with the identifier of ICMP queries.
    struct Endpoint: Hashable {
        var address: IPAddress
        var port: UInt16
    }

    /// What packets of a flow have in common: local is the side of the host, by its own address or by that which the
    /// outside knows it by. The other side of an ICMP query has port 0.
    struct Tuple: Hashable {
        var transport: Transport
        var local: Endpoint
        var remote: Endpoint
    }

    /// Whom an outside port stands for, whatever the destination (RFC 4787, REQ-1).
    struct MappingKey: Hashable {
        var transport: Transport
        var inside: Endpoint
    }

    struct OutsidePort: Hashable {
        var transport: Transport
        var outside: Endpoint
    }

    /// An address that UDP was sent to: it may answer from any of its ports (RFC 4787, REQ-8).
    struct FilterKey: Hashable {
        var inside: Endpoint
        var remote: IPAddress
    }

    /// What was seen of a flow in one direction, until a new SYN begins anew.
    struct Seen: OptionSet, Hashable {
        let rawValue: UInt32

        init(rawValue: UInt32) { self.rawValue = rawValue }
        private init(_ bit: UInt32) { rawValue = bit }

        static let packet = Seen(FA_NAT_SEEN)
        static let syn = Seen(FA_NAT_SYN)
        static let fin = Seen(FA_NAT_FIN)
        static let reset = Seen(FA_NAT_RST)
    }

    struct Flow: Hashable {
        /// What the host's packets leave from.
        var outside: Endpoint
        var up: Seen
        var down: Seen
        var lastUp: Duration
        var lastDown: Duration
    }

    struct Away: Hashable {
        /// Where it began, by its index.
        var router: UInt32
        var seen: Seen
        var last: Duration
    }

    struct Mapping: Hashable {
        var outside: Endpoint
        /// Where its port is from.
        var block: PortBlock
        var users = 1
        var lastUsed: Duration
    }

    struct Filter: Hashable {
        var users = 1
        var made: Duration
    }

    struct Subscriber: Hashable {
        /// All its flows leave from here (RFC 4787, REQ-2).
        var outside: IPAddress
        var flowLimit: Int
        var blocks: [PortBlock]
        var flows = 0
        /// Flows that it did not get.
        var refused = 0
        var wantsBlock = false
    }

    /// Why there is no new flow.
    enum Refusal: String, Error {
        case unassigned = "nat_unassigned"
        case quota = "nat_quota"
        case portsExhausted = "nat_ports_exhausted"
        case tableFull = "nat_table_full"
    }
}

extension ModelNAT {
    /// A flow, by its packets from the host.
    func flow(_ tuple: Tuple) -> Flow? {
        trace?.note(.flow(tuple))
        return flows[tuple]
    }

    /// The flow of a packet from the core.
    func answered(_ tuple: Tuple) -> Tuple? {
        trace?.note(.answer(tuple))
        return answers[tuple]
    }

    /// Whom an outside port stands for.
    func mapping(of port: OutsidePort) -> MappingKey? {
        trace?.note(.outsidePort(port))
        return mappingOfPort[port]
    }

    func isPermitted(_ filter: FilterKey) -> Bool {
        trace?.note(.filter(filter))
        return filters[filter] != nil
    }
}

extension ModelNAT.Flow {
    /// A reset was seen, or a FIN from both sides.
    var isEnded: Bool { up.union(down).contains(.reset) || up.intersection(down).contains(.fin) }
}

extension ModelNAT.Tuple {
    var mapping: ModelNAT.MappingKey { .init(transport: transport, inside: local) }
    var filter: ModelNAT.FilterKey { .init(inside: local, remote: remote.address) }
}

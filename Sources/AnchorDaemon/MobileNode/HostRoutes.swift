import AnchorCore
import Netlink
import NetworkTypes

/// Where the mobile node's policy routing lives in the kernel. Whatever is found there at the start is an earlier run's.
struct RoutingPlan: Sendable {
    /// Own addresses have tables of their own, counted from here.
    var firstTable: UInt32 = 0xfa00
    /// At most so many own addresses at once.
    var tableCount: UInt32 = 256
    /// Before the main table's rule (32766), behind the local table's (0). Those for the other one of two uplinks come
    /// right before.
    var rulePriority: UInt32 = 20_000
    /// Of the default routes in the main table: better than those of a DHCP client.
    var metric: UInt32 = 1

    func contains(_ table: RoutingTable) -> Bool { table.rawValue &- firstTable < 2 * tableCount }
}

/// The routes of one own address: a rule for its packets by their source and a table with one default route, so that
/// they leave by the uplink of their binding with a size that fits the tunnel, whatever new sockets do.
///
/// While both attachments are in use there is a second such table, for whoever asks for the other uplink by name, as the
/// programs do for a copy.
struct AddressRoute: Hashable, Sendable {
    let address: IPAddress
    let table: RoutingTable

    func rule(_ plan: RoutingPlan) -> RoutingRule {
        RoutingRule(priority: plan.rulePriority, from: source, table: table)
    }

    func otherRule(_ plan: RoutingPlan, uplink name: String) -> RoutingRule {
        RoutingRule(priority: plan.rulePriority - 1, from: source, table: otherTable(plan), outgoing: name)
    }

    func otherTable(_ plan: RoutingPlan) -> RoutingTable { RoutingTable(rawValue: table.rawValue + plan.tableCount) }

    private var source: IPPrefix? { IPPrefix(address, length: address.family.addressBits) }
}

extension AnchorPath {
    /// The uplink on which the kernel sends the address's packets; the programs there may send them on elsewhere.
    /// `nil` keeps the one before.
    var uplink: InterfaceID? {
        switch self {
        case .direct(let id), .tunnelled(_, let id): id
        case .both(let direct, _, let id, let bicast): bicast ? id : direct
        case .unreachable: nil
        }
    }

    /// Whether the route of the address is that of packets outside of any tunnel.
    var isRoutedPlain: Bool {
        switch self {
        case .direct, .both(_, _, _, bicast: false): true
        case .tunnelled, .both(_, _, _, bicast: true), .unreachable: false
        }
    }

    /// The uplink that the programs use beside ``uplink``, while both attachments are in use.
    var otherUplink: InterfaceID? {
        guard case .both(let direct, _, let id, let bicast) = self else { return nil }
        return bicast ? direct : id
    }

    /// Bytes that a tunnel on this path takes from each packet.
    var overhead: Int {
        switch self {
        case .direct, .unreachable, .both(_, _, _, bicast: false): 0
        case .tunnelled(let tunnel, _), .both(_, let tunnel, _, bicast: true): tunnel.overhead
        }
    }
}

extension Tunnel {
    /// Bytes of the outer header (RFC 791, RFC 8200) and of GRE with key and sequence number (RFC 2890).
    var overhead: Int {
        let header = local.isV4 ? 20 : 40
        return switch kind {
        case .ipInIP: header
        case .gre(_, let sequenced): header + (sequenced ? 12 : 8)
        }
    }
}

extension AddressFamily {
    /// 0.0.0.0/0 or ::/0.
    var everywhere: IPPrefix { IPPrefix(self == .v4 ? .anyV4 : .anyV6, length: 0)! }
    /// Smallest MTU that the family permits (RFC 791, RFC 8200).
    var smallestMTU: Int { self == .v4 ? 576 : 1280 }
}

import CNetlink
import Glibc

/// What changed in the kernel's tables.
public enum NetlinkChange: Hashable, Sendable {
    /// Appeared, or something about it changed: state, carrier, MTU, MAC, master.
    case link(Link)
    case linkRemoved(Link)
    case address(InterfaceAddress)
    case addressRemoved(InterfaceAddress)
    case route(Route)
    case routeRemoved(Route)
    case neighbour(Neighbour)
    case neighbourRemoved(Neighbour)
    /// Changes were lost because they came faster than they were received: read the tables again.
    case overrun
}

/// The stream of changes of links, addresses, routes and neighbours.
///
/// Wait until ``descriptor`` is readable (a DispatchSource), then call ``receive()``. To miss nothing, open the
/// monitor first and read the tables with ``NetlinkSocket`` afterwards. For one thread or one serial queue.
public final class NetlinkMonitor {
    /// What to watch.
    public struct Tables: OptionSet, Sendable {
        public let rawValue: UInt8
        public init(rawValue: UInt8) { self.rawValue = rawValue }

        public static let links = Tables(rawValue: 1)
        public static let addresses = Tables(rawValue: 2)
        public static let routes = Tables(rawValue: 4)
        public static let neighbours = Tables(rawValue: 8)
        public static let all: Tables = [.links, .addresses, .routes, .neighbours]

        var groups: [UInt32] {
            var groups: [rtnetlink_groups] = []
            if contains(.links) { groups += [RTNLGRP_LINK] }
            if contains(.addresses) { groups += [RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR] }
            if contains(.routes) { groups += [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE] }
            if contains(.neighbours) { groups += [RTNLGRP_NEIGH] }
            return groups.map(\.rawValue)
        }
    }

    private let transport: NetlinkTransport

    /// - Parameters:
    ///   - tables: which changes to report.
    ///   - namespace: the network namespace to watch; the caller's own by default.
    ///   - receiveBuffer: bytes that the kernel keeps until ``receive()``; beyond that it drops and says so.
    public init(_ tables: Tables = .all, namespace: NetworkNamespace? = nil, receiveBuffer: Int = 4 << 20) throws {
        transport = try NetlinkTransport(
            netlinkProtocol: NETLINK_ROUTE, groups: tables.groups, blocking: false, receiveBuffer: receiveBuffer,
            namespace: namespace)
    }

    /// Readable when there is something to receive. Owned by the monitor.
    public var descriptor: Int32 { transport.descriptor }

    /// All that changed since the last call, in order; empty where nothing did. Never waits.
    public func receive() throws(NetlinkError) -> [NetlinkChange] {
        var changes: [NetlinkChange] = []
        while true {
            let reception = try transport.receive(operation: "receive", object: "changes") { message in
                if let change = NetlinkChange(message) { changes.append(change) }
                return true
            }
            switch reception {
            case .messages: continue
            case .empty: return changes
            case .overrun: changes.append(.overrun)
            }
        }
    }
}

extension NetlinkChange {
    init?(_ message: ReceivedMessage) {
        let change: NetlinkChange? =
            switch Int(message.type) {
            case Int(RTM_NEWLINK): Link(message).map { .link($0) }
            case Int(RTM_DELLINK): Link(message).map { .linkRemoved($0) }
            case Int(RTM_NEWADDR): InterfaceAddress(message).map { .address($0) }
            case Int(RTM_DELADDR): InterfaceAddress(message).map { .addressRemoved($0) }
            case Int(RTM_NEWROUTE): Route(message).map { .route($0) }
            case Int(RTM_DELROUTE): Route(message).map { .routeRemoved($0) }
            case Int(RTM_NEWNEIGH): Neighbour(message).map { .neighbour($0) }
            case Int(RTM_DELNEIGH): Neighbour(message).map { .neighbourRemoved($0) }
            default: nil
            }
        guard let change else { return nil }
        self = change
    }
}

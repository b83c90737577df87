import CNetlink
import Glibc
import NetworkTypes

/// Tells when sockets end, whatever ended them: an orderly close, a reset, a time-out or the death of the program.
///
/// Wait until ``descriptor`` is readable, then call ``receive()``. For one thread or one serial queue.
public final class SocketMonitor {
    public enum Event: Hashable, Sendable {
        /// Closed by its program and by the protocol: no packet of the flow will come from it any more. A TCP socket
        /// that closed first is reported when it passes into TIME_WAIT.
        case destroyed(SocketDescription)
        /// Events were lost because they came faster than they were received: list the sockets again.
        case overrun
    }

    private let transport: NetlinkTransport

    /// - Parameters:
    ///   - protocols: whose sockets to watch, in both families.
    ///   - namespace: the network namespace to watch; the caller's own by default.
    ///   - receiveBuffer: bytes that the kernel keeps until ``receive()``; beyond that it drops and says so.
    /// - Throws: ENOENT where the kernel has no diagnosis for a protocol.
    public init(
        _ protocols: Set<SocketProtocol> = [.tcp, .udp], namespace: NetworkNamespace? = nil,
        receiveBuffer: Int = 4 << 20
    ) throws {
        var groups: [sknetlink_groups] = []
        if protocols.contains(.tcp) { groups += [SKNLGRP_INET_TCP_DESTROY, SKNLGRP_INET6_TCP_DESTROY] }
        if protocols.contains(.udp) { groups += [SKNLGRP_INET_UDP_DESTROY, SKNLGRP_INET6_UDP_DESTROY] }
        transport = try NetlinkTransport(
            netlinkProtocol: NETLINK_SOCK_DIAG, groups: groups.map(\.rawValue), blocking: false,
            receiveBuffer: receiveBuffer, namespace: namespace)
    }

    /// Readable when there is something to receive. Owned by the monitor.
    public var descriptor: Int32 { transport.descriptor }

    /// All that ended since the last call, in order; empty where nothing did. Never waits.
    public func receive() throws(NetlinkError) -> [Event] {
        var events: [Event] = []
        while true {
            let reception = try transport.receive(operation: "receive", object: "socket events") { message in
                if let socket = SocketDescription(destroyed: message) { events.append(.destroyed(socket)) }
                return true
            }
            switch reception {
            case .messages: continue
            case .empty: return events
            case .overrun: events.append(.overrun)
            }
        }
    }
}

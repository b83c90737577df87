import CNetlink
import Glibc
import NetworkTypes

/// Lists and closes the sockets of a network namespace (NETLINK_SOCK_DIAG). For one thread or one serial queue.
public final class SocketDiagnostics {
    private let transport: NetlinkTransport

    /// - Parameter namespace: the network namespace to look into; the caller's own by default.
    public init(namespace: NetworkNamespace? = nil) throws {
        transport = try NetlinkTransport(netlinkProtocol: NETLINK_SOCK_DIAG, blocking: true, namespace: namespace)
    }

    /// The sockets that exist, listening ones included.
    /// - Parameters:
    ///   - transport: TCP or UDP.
    ///   - local: only those bound to this address.
    ///   - states: only those in one of these states.
    /// - Throws: ENOENT where the kernel has no diagnosis for the protocol.
    public func sockets(
        _ transport: SocketProtocol, local: IPAddress? = nil,
        states: Set<SocketDescription.TCPState> = Set(SocketDescription.TCPState.allCases)
    ) throws(NetlinkError) -> [SocketDescription] {
        var found: [SocketDescription] = []
        // A socket of family v6 may carry IPv4, so both families are asked for whatever the address.
        for family in AddressFamily.allCases {
            let message = NetlinkMessage(type: SOCK_DIAG_BY_FAMILY)
            var request = inet_diag_req_v2()
            request.sdiag_family = UInt8(family.number)
            request.sdiag_protocol = transport.rawValue
            request.idiag_states = states.reduce(0) { $0 | 1 << UInt32($1.rawValue) }
            message.append(request)
            found += try self.transport.dump(message, operation: "list", object: "\(transport) sockets") {
                SocketDescription($0, transport: transport)
            }
        }
        return found.filter { local == nil || $0.local == local }
    }

    /// Closes the socket under its owner, who sees ECONNABORTED; the peer of a TCP connection gets a reset.
    /// - Throws: ENOENT where it is gone, EOPNOTSUPP where the kernel is built without INET_DIAG_DESTROY.
    public func destroy(_ socket: SocketDescription) throws(NetlinkError) {
        let message = NetlinkMessage(type: SOCK_DESTROY)
        var request = inet_diag_req_v2()
        request.sdiag_family = UInt8(socket.socketFamily.number)
        request.sdiag_protocol = socket.transport.rawValue
        request.idiag_states = .max
        request.id = socket.identity
        message.append(request)
        try transport.change(message, operation: "destroy socket", object: socket.description)
    }
}

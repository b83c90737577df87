import CNetlink
import Glibc
import NetworkTypes

/// A transport protocol whose sockets the kernel tells about.
public enum SocketProtocol: UInt8, Hashable, Sendable, CaseIterable {
    case tcp = 6
    case udp = 17
}

/// A TCP or UDP socket: a flow's five-tuple.
public struct SocketDescription: Hashable, Sendable {
    public let transport: SocketProtocol
    public let local: IPAddress
    public let localPort: UInt16
    /// Unspecified, with port 0, for a socket that listens or is not connected.
    public let remote: IPAddress
    public let remotePort: UInt16
    /// The interface that the socket is bound to.
    public let interface: InterfaceIndex?
    /// TCP's state; of a UDP socket, `established` where it is connected and otherwise `close`.
    public let state: TCPState
    /// The family of the socket itself: an IPv6 socket may carry an IPv4 flow.
    public let socketFamily: AddressFamily
    /// The kernel's name for this very socket, so that a destroy request never meets another on the same ports.
    public let cookie: UInt64

    /// Neither listening nor unconnected.
    public var isConnected: Bool { remotePort != 0 }

    /// As the kernel numbers them (`net/tcp_states.h`).
    public enum TCPState: UInt8, Hashable, Sendable, CaseIterable {
        case established = 1
        case synSent, synReceived, finWait1, finWait2, timeWait, close, closeWait, lastAck, listen, closing
        case newSynReceived
        case boundInactive
    }
}

extension SocketDescription: CustomStringConvertible {
    public var description: String {
        "\(transport) \(endpoint(local, localPort)) > \(endpoint(remote, remotePort))"
    }

    private func endpoint(_ address: IPAddress, _ port: UInt16) -> String {
        address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
    }
}

extension SocketDescription {
    /// From a message that tells of a socket's end, which names the protocol in an attribute.
    init?(destroyed message: ReceivedMessage) {
        guard
            let attribute = nlmsg_find_attr(
                message.header, Int32(MemoryLayout<inet_diag_msg>.size), Int32(INET_DIAG_PROTOCOL)),
            let transport = SocketProtocol(rawValue: nla_get_u8(attribute))
        else { return nil }
        self.init(message, transport: transport)
    }

    /// - Parameter transport: what was asked for; the answer does not say.
    init?(_ message: ReceivedMessage, transport: SocketProtocol) {
        guard message.type == SOCK_DIAG_BY_FAMILY, let body = message.body(inet_diag_msg.self),
            let family = AddressFamily(number: Int32(body.idiag_family)),
            let local = withUnsafeBytes(of: body.id.idiag_src, { IPAddress(bytes: $0.prefix(family.byteCount)) }),
            let remote = withUnsafeBytes(of: body.id.idiag_dst, { IPAddress(bytes: $0.prefix(family.byteCount)) })
        else { return nil }
        self.transport = transport
        // A socket of family v6 that carries v4 has mapped addresses, but unspecified ones are of its own family.
        self.local = local
        self.remote = remote == .anyV6 && local.isV4 ? .anyV4 : remote
        localPort = UInt16(bigEndian: body.id.idiag_sport)
        remotePort = UInt16(bigEndian: body.id.idiag_dport)
        interface = body.id.idiag_if == 0 ? nil : body.id.idiag_if
        state = TCPState(rawValue: body.idiag_state) ?? .close
        socketFamily = family
        cookie = UInt64(body.id.idiag_cookie.1) << 32 | UInt64(body.id.idiag_cookie.0)
    }

    /// The identity by which the kernel finds the socket again.
    var identity: inet_diag_sockid {
        var identity = inet_diag_sockid()
        identity.idiag_sport = localPort.bigEndian
        identity.idiag_dport = remotePort.bigEndian
        withUnsafeMutableBytes(of: &identity.idiag_src) { $0.copyBytes(from: wireBytes(local)) }
        withUnsafeMutableBytes(of: &identity.idiag_dst) { $0.copyBytes(from: wireBytes(remote)) }
        identity.idiag_if = interface ?? 0
        identity.idiag_cookie = (UInt32(truncatingIfNeeded: cookie), UInt32(truncatingIfNeeded: cookie >> 32))
        return identity
    }

    private func wireBytes(_ address: IPAddress) -> [UInt8] {
        socketFamily == .v4 ? address.bytes : address.isUnspecified ? IPAddress.anyV6.bytes : address.mappedBytes
    }
}

extension AddressFamily {
    /// Bytes of an address on the wire.
    var byteCount: Int { addressBits / 8 }
}

import CNetlink
import Glibc
import Netlink
import NetworkTypes

/// A plain socket made inside a namespace, closed with the object.
public final class TestSocket {
    public let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    private static func make(_ transport: SocketProtocol, _ family: Int32) throws -> TestSocket {
        let kind = transport == .tcp ? SOCK_STREAM : SOCK_DGRAM
        let descriptor = socket(family, Int32(kind.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try check(descriptor, "socket")
        return TestSocket(descriptor)
    }

    /// A TCP socket that listens on a port of the kernel's choice.
    public static func listening(in namespace: NetworkNamespace, on address: IPAddress) throws -> TestSocket {
        try namespace.run {
            let socket = try make(.tcp, address.isV4 ? AF_INET : AF_INET6)
            try withSocketAddress(address, port: 0, family: nil) { try check(bind(socket.descriptor, $0, $1), "bind") }
            try check(listen(socket.descriptor, 8), "listen")
            return socket
        }
    }

    /// A socket connected to the port at the address.
    /// - Parameter family: of the socket; AF_INET6 with an IPv4 address makes an IPv6 socket that carries IPv4.
    public static func connected(
        in namespace: NetworkNamespace, _ transport: SocketProtocol, to address: IPAddress, port: UInt16,
        from source: IPAddress? = nil, family: Int32? = nil
    ) throws -> TestSocket {
        try namespace.run {
            let socket = try make(transport, family ?? (address.isV4 ? AF_INET : AF_INET6))
            if let source {
                try withSocketAddress(source, port: 0, family: family) {
                    try check(bind(socket.descriptor, $0, $1), "bind")
                }
            }
            try withSocketAddress(address, port: port, family: family) {
                try check(connect(socket.descriptor, $0, $1), "connect")
            }
            return socket
        }
    }

    public func accept() throws -> TestSocket {
        let connection = Glibc.accept(descriptor, nil, nil)
        try check(connection, "accept")
        return TestSocket(connection)
    }

    /// Port in host order.
    public func port() throws -> UInt16 {
        var storage = sockaddr_in6()
        var size = socklen_t(MemoryLayout<sockaddr_in6>.size)
        try withUnsafeMutablePointer(to: &storage) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try check(getsockname(descriptor, $0, &size), "getsockname")
            }
        }
        // The port is in the same place for both families.
        return UInt16(bigEndian: storage.sin6_port)
    }

    public func send(_ bytes: [UInt8]) throws {
        try check(Int32(clamping: Glibc.send(descriptor, bytes, bytes.count, 0)), "send")
    }

    /// errno of a read, 0 at the end of the stream.
    public func readError() -> Int32 {
        var byte: UInt8 = 0
        return recv(descriptor, &byte, 1, 0) < 0 ? errno : 0
    }
}

private func check(_ code: Int32, _ call: String) throws {
    guard code < 0 else { return }
    throw NetlinkError(operation: "call", object: call, code: errno)
}

private func withSocketAddress(
    _ address: IPAddress, port: UInt16, family: Int32?, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> Void
) throws {
    if address.isV4, family != AF_INET6 {
        var name = sockaddr_in()
        name.sin_family = sa_family_t(AF_INET)
        name.sin_port = port.bigEndian
        name.sin_addr.s_addr = address.v4Bits!.bigEndian
        try withUnsafePointer(to: &name) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
    } else {
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = port.bigEndian
        withUnsafeMutableBytes(of: &name.sin6_addr) { $0.copyBytes(from: address.mappedBytes) }
        try withUnsafePointer(to: &name) {
            try $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                try body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }
}

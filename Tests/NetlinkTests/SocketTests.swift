import Glibc
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

@Suite(.inNamespaces)
struct SocketTests {
    static let loopbacks = [IPAddress("127.0.0.1")!, IPAddress("::1")!]

    private func namespace() throws -> NetworkNamespace {
        let namespace = try NetworkNamespace.anonymous()
        let socket = try NetlinkSocket(namespace: namespace)
        try socket.changeLink(socket.link(named: "lo").index, up: true)
        return namespace
    }

    @Test(arguments: loopbacks)
    func `the end of a TCP connection is seen with its five-tuple`(address: IPAddress) throws {
        let namespace = try namespace()
        let monitor = try SocketMonitor(namespace: namespace)
        let listener = try TestSocket.listening(in: namespace, on: address)
        let port = try listener.port()
        var client: TestSocket? = try TestSocket.connected(in: namespace, .tcp, to: address, port: port)
        var server: TestSocket? = try listener.accept()
        let clientPort = try client!.port()
        #expect(server != nil)
        #expect(try monitor.receive().isEmpty, "both ends are open")

        client = nil
        server = nil
        let ended = try monitor.first("end of the client's socket") { $0.localPort == clientPort }
        #expect(ended.transport == .tcp)
        #expect(ended.local == address)
        #expect(ended.remote == address)
        #expect(ended.remotePort == port)
        #expect(ended.isConnected)
    }

    @Test func `an IPv6 socket that carries IPv4 is reported as the IPv4 flow that it is`() throws {
        let namespace = try namespace()
        let monitor = try SocketMonitor([.tcp], namespace: namespace)
        let listener = try TestSocket.listening(in: namespace, on: Self.loopbacks[0])
        var client: TestSocket? = try TestSocket.connected(
            in: namespace, .tcp, to: Self.loopbacks[0], port: listener.port(), family: AF_INET6)
        let port = try client!.port()
        let diagnostics = try SocketDiagnostics(namespace: namespace)
        let found = try #require(
            try diagnostics.sockets(.tcp, local: Self.loopbacks[0]).first { $0.localPort == port })
        #expect(found.socketFamily == .v6)
        #expect(found.remote == Self.loopbacks[0])
        try diagnostics.destroy(found)
        client = nil
        let ended = try monitor.first("end") { $0.localPort == port && $0.isConnected }
        #expect(ended.local == Self.loopbacks[0])
    }

    @Test(arguments: loopbacks)
    func `the end of a connected UDP socket is seen`(address: IPAddress) throws {
        let namespace = try namespace()
        let monitor = try SocketMonitor([.udp], namespace: namespace)
        var client: TestSocket? = try TestSocket.connected(in: namespace, .udp, to: address, port: 4711)
        let port = try client!.port()
        client = nil
        let ended = try monitor.first("end of the UDP socket") { $0.transport == .udp && $0.localPort == port }
        #expect(ended.local == address)
    }

    @Test(arguments: loopbacks)
    func `existing sockets are listed by local address and state`(address: IPAddress) throws {
        let namespace = try namespace()
        let listener = try TestSocket.listening(in: namespace, on: address)
        let client = try TestSocket.connected(in: namespace, .tcp, to: address, port: listener.port())
        let datagrams = try TestSocket.connected(in: namespace, .udp, to: address, port: 4711)
        let diagnostics = try SocketDiagnostics(namespace: namespace)
        let other = try #require(Self.loopbacks.first { $0 != address })

        let listening = try diagnostics.sockets(.tcp, local: address, states: [.listen])
        #expect(listening.map(\.localPort) == [try listener.port()])
        #expect(listening.allSatisfy { !$0.isConnected })
        let established = try diagnostics.sockets(.tcp, local: address, states: [.established])
        #expect(Set(established.map(\.localPort)) == [try client.port(), try listener.port()])
        #expect(try diagnostics.sockets(.tcp, local: other).isEmpty)
        #expect(try diagnostics.sockets(.udp, local: address).map(\.localPort) == [try datagrams.port()])
    }

    @Test(arguments: loopbacks)
    func `a destroyed socket fails under its owner and is gone`(address: IPAddress) throws {
        let namespace = try namespace()
        let listener = try TestSocket.listening(in: namespace, on: address)
        let client = try TestSocket.connected(in: namespace, .tcp, to: address, port: listener.port())
        let port = try client.port()
        let diagnostics = try SocketDiagnostics(namespace: namespace)
        let socket = try #require(
            try diagnostics.sockets(.tcp, local: address, states: [.established]).first { $0.localPort == port })
        try diagnostics.destroy(socket)
        #expect(client.readError() == ECONNABORTED)
        let again = #expect(throws: NetlinkError.self) { try diagnostics.destroy(socket) }
        #expect(again?.code == ENOENT)
        #expect(again?.object == "tcp \(socket.description.dropFirst(4))")
    }
}

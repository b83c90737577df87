import AnchorCore
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

@testable import AnchorDaemon

@Suite(.inNamespaces)
struct DatagramSocketTests {
    private func received(_ socket: DatagramSocket) throws -> IncomingPacket {
        try poll("a datagram") { try socket.receive().first }
    }

    @Test func `a limited broadcast goes out by the interface named and tells where it came in`() throws {
        let pair = try Pair()
        try pair.near.command("ip", "addr", "add", "10.9.0.1/24", "dev", "near0")
        let near = try pair.near.run { try DatagramSocket(.v4, port: 4346) }
        let far = try pair.far.run { try DatagramSocket(.v4, port: 4346) }
        near.send(
            OutgoingPacket(
                destination: IPAddress("255.255.255.255")!, port: 4346, source: .anyV4,
                interface: try pair.nearIndex(), bytes: [1, 2, 3]))
        near.flush()
        let packet = try received(far)
        #expect(packet.bytes == [1, 2, 3])
        #expect(packet.source == IPAddress("10.9.0.1"))
        #expect(packet.sourcePort == 4346)
        #expect(packet.destination == IPAddress("255.255.255.255"))
        #expect(packet.interface == (try pair.farIndex()))
    }

    @Test func `a node without an address is heard by broadcast`() throws {
        let pair = try Pair()
        let near = try pair.near.run { try DatagramSocket(.v4, port: 4346) }
        let far = try pair.far.run { try DatagramSocket(.v4, port: 4346) }
        near.send(
            OutgoingPacket(
                destination: IPAddress("255.255.255.255")!, port: 4346, source: .anyV4,
                interface: try pair.nearIndex(), bytes: [7]))
        near.flush()
        #expect(try received(far).source == .anyV4)
    }

    @Test func `the routers' group is heard by those who joined it, from link-local addresses`() throws {
        let pair = try Pair()
        let near = try pair.near.run { try DatagramSocket(.v6, port: 4346) }
        let far = try pair.far.run { try DatagramSocket(.v6, port: 4346) }
        try far.join(ProtocolTransport.routersGroup, on: try pair.farIndex())
        try far.join(ProtocolTransport.routersGroup, on: try pair.farIndex())
        let index = try pair.nearIndex()
        // Until duplicate address detection is over there is no address to send from.
        let packet = try poll("a datagram") {
            near.send(
                OutgoingPacket(
                    destination: ProtocolTransport.routersGroup, port: 4346, source: .anyV6, interface: index,
                    bytes: [9]))
            near.flush()
            return try far.receive().first
        }
        #expect(packet.source.isLinkLocal)
        #expect(packet.destination == ProtocolTransport.routersGroup)
    }

    @Test func `one that can't be sent is reported, and those around it are sent`() throws {
        let pair = try Pair()
        try pair.near.command("ip", "addr", "add", "10.9.0.1/24", "dev", "near0")
        try pair.far.command("ip", "addr", "add", "10.9.0.2/24", "dev", "far0")
        let near = try pair.near.run { try DatagramSocket(.v4, port: 4346) }
        let far = try pair.far.run { try DatagramSocket(.v4, port: 4346) }
        var failures: [Int] = []
        for (number, destination) in ["10.9.0.2", "203.0.113.1", "10.9.0.2"].enumerated() {
            near.send(
                OutgoingPacket(
                    destination: IPAddress(destination)!, port: 4346, source: .anyV4, interface: 0,
                    bytes: [UInt8(number)])
            ) { _ in failures.append(number) }
        }
        near.flush()
        #expect(failures == [1])
        var heard: [UInt8] = []
        try poll("both datagrams") {
            heard += try far.receive().flatMap(\.bytes)
            return heard.count == 2 ? true : nil
        }
        #expect(heard == [0, 2])
    }

    @Test func `a port in use is named`() throws {
        let pair = try Pair()
        let first = try pair.near.run { try DatagramSocket(.v4, port: 4346) }
        let refusal = #expect(throws: DaemonError.self) {
            try pair.near.run { _ = try DatagramSocket(.v4, port: 4346) }
        }
        #expect(refusal?.description.contains("4346") == true)
        withExtendedLifetime(first) {}
    }
}

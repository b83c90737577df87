import Glibc
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

@Suite(.inNamespaces)
struct MonitorTests {
    @Test func `nothing changed is nothing received, without waiting`() throws {
        let monitor = try NetlinkMonitor(namespace: .anonymous())
        #expect(try monitor.receive().isEmpty)
    }

    @Test func `only the tables asked for are reported`() throws {
        let pair = try Pair()
        let monitor = try NetlinkMonitor(.neighbours, namespace: pair.near)
        let index = try pair.nearIndex()
        let address = try #require(IPAddress("10.1.0.7"))
        try pair.nearSocket.add(InterfaceAddress(interface: index, address: address, prefixLength: 24))
        try pair.nearSocket.add(
            Neighbour(interface: index, address: IPAddress("10.1.0.1")!, mac: MACAddress("02:00:00:00:00:01")))
        for change in try monitor.receive() {
            switch change {
            case .neighbour, .neighbourRemoved: break
            default: Issue.record("\(change)")
            }
        }
    }

    @Test func `changes that came too fast are reported as lost, and later ones are received again`() throws {
        let pair = try Pair()
        let monitor = try NetlinkMonitor(.addresses, namespace: pair.near, receiveBuffer: 4096)
        let index = try pair.nearIndex()
        let prefix = try #require(IPPrefix("10.1.0.0/16"))
        for number in 1...1000 {
            try pair.nearSocket.add(
                InterfaceAddress(interface: index, address: prefix.address(at: UInt64(number))!, prefixLength: 32))
        }
        try monitor.first("overrun") { $0 == .overrun ? true : nil }
        // Resynchronised by reading the table, as the owner has to.
        #expect(try pair.nearSocket.addresses(of: index).filter { prefix.contains($0.address) }.count == 1000)
        _ = try monitor.receive()

        let last = prefix.address(at: 2000)!
        try pair.nearSocket.add(InterfaceAddress(interface: index, address: last, prefixLength: 32))
        try monitor.first("address after the overrun") { change in
            if case .address(let found) = change, found.address == last { found } else { nil }
        }
    }
}

import Glibc
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

@Suite(.inNamespaces)
struct NeighbourTests {
    @Test(arguments: MovedNode.both)
    func `resolution is triggered, its outcome seen, and the same that the peer has`(node: MovedNode) throws {
        let pair = try Pair()
        try node.addAddresses(pair)
        let index = try pair.nearIndex()
        try pair.farSocket.add(
            InterfaceAddress(
                interface: try pair.farIndex(), address: node.router, prefixLength: node.length,
                flags: .noDuplicateDetection))
        let monitor = try NetlinkMonitor(.neighbours, namespace: pair.near)
        try pair.nearSocket.resolve(node.router, on: index)
        let found = try monitor.first("resolution") { change in
            if case .neighbour(let found) = change, found.address == node.router, found.isUsable { found } else { nil }
        }
        #expect(found.interface == index)
        #expect(found.mac == (try pair.farSocket.link(named: "far0").mac))
        #expect(try pair.nearSocket.neighbour(node.router, on: index)?.mac == found.mac)
    }

    @Test(arguments: MovedNode.both)
    func `a permanent neighbour is added, changed, found, listed and removed`(node: MovedNode) throws {
        let pair = try Pair()
        try node.addAddresses(pair)
        let index = try pair.nearIndex()
        let monitor = try NetlinkMonitor(.neighbours, namespace: pair.near)
        var neighbour = Neighbour(interface: index, address: node.router, mac: MACAddress("02:00:00:00:00:01"))
        try pair.nearSocket.add(neighbour)
        #expect(try pair.nearSocket.neighbour(node.router, on: index) == neighbour)
        let twice = #expect(throws: NetlinkError.self) { try pair.nearSocket.add(neighbour) }
        #expect(twice?.code == EEXIST)

        neighbour.mac = MACAddress("02:00:00:00:00:02")
        try pair.nearSocket.replace(neighbour)
        try monitor.first("new MAC") { change in
            if case .neighbour(let found) = change, found == neighbour { found } else { nil }
        }
        #expect(try pair.nearSocket.neighbours(on: index).contains(neighbour))

        try pair.nearSocket.remove(neighbour)
        #expect(try pair.nearSocket.neighbour(node.router, on: index)?.isUsable != true)
    }

    @Test(arguments: MovedNode.both)
    func `a neighbour that does not answer is reported as failed`(node: MovedNode) throws {
        let pair = try Pair()
        try node.addAddresses(pair)
        let index = try pair.nearIndex()
        let monitor = try NetlinkMonitor(.neighbours, namespace: pair.near)
        try pair.nearSocket.resolve(node.router, on: index)
        try monitor.first("failure") { change in
            if case .neighbour(let found) = change, found.address == node.router, found.state == .failed {
                found
            } else {
                nil
            }
        }
    }

    @Test(arguments: MovedNode.both)
    func `a neighbour that is verified is asked at once, and another MAC comes to light`(node: MovedNode) throws {
        let pair = try Pair()
        try node.addAddresses(pair)
        let index = try pair.nearIndex()
        try pair.farSocket.add(
            InterfaceAddress(
                interface: try pair.farIndex(), address: node.router, prefixLength: node.length,
                flags: .noDuplicateDetection))
        // A peer whose interface has just come up answers when it is ready, not before.
        _ = try poll("the peer to answer") {
            try pair.nearSocket.resolve(node.router, on: index)
            return try pair.nearSocket.neighbour(node.router, on: index)?.isUsable == true ? true : nil
        }
        let monitor = try NetlinkMonitor(.neighbours, namespace: pair.near)
        let mac = try #require(try pair.farSocket.link(named: "far0").mac)
        for former in [mac, MACAddress("02:00:00:00:00:77")!] {
            try pair.nearSocket.replace(
                Neighbour(interface: index, address: node.router, mac: former, state: .stale))
            try pair.nearSocket.verify(node.router, on: index)
            let outcome = try monitor.first("an answer, or none") { change -> Neighbour? in
                guard case .neighbour(let found) = change, found.address == node.router else { return nil }
                return found.state == .reachable || found.state == .failed ? found : nil
            }
            #expect(outcome.state == (former == mac ? .reachable : .failed))
        }
    }

    @Test func `an address nobody asked for is unknown, not an error`() throws {
        let pair = try Pair()
        #expect(try pair.nearSocket.neighbour(IPAddress("10.9.9.9")!, on: pair.nearIndex()) == nil)
    }
}

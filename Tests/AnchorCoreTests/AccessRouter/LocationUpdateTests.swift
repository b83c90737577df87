import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct LocationUpdateTests {
    let careOf = IPAddress("10.2.0.2")!
    let third = IPAddress("10.3.0.2")!

    @Test func `one overwrite, then the acknowledgement`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        bench.actions = []
        try bench.update(1, address, careOf: careOf)
        #expect(bench.actions.map(\.step) == [.persist])
        bench.store()
        #expect(bench.actions.map(\.step) == [.persist, .install, .report, .send])
        let tunnel = Tunnel(local: RouterBench.endpoint, peer: careOf, kind: .ipInIP)
        #expect(
            bench.installed == [
                HostBinding(address: address, node: 1, location: .tunnelled(tunnel), chain: "firewall")
            ])
        #expect(
            bench.answers(to: 1).contains { body in
                if case .locationAck(let ack) = body { ack.address == address && ack.tunnel == .ipInIP } else { false }
            })
    }

    @Test func `packets in flight from the last place are accepted for a moment after the next move`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        try bench.update(1, address, careOf: careOf)
        bench.store()
        bench.actions = []
        try bench.update(1, address, careOf: third)
        bench.store()
        #expect(bench.installed.map(\.alsoAcceptedFrom) == [careOf])
        bench.actions = []
        bench.wait(.seconds(2))
        #expect(bench.installed.map(\.alsoAcceptedFrom) == [nil])
        #expect(bench.installed.map(\.location.tunnel?.peer) == [third])
    }

    @Test func `nobody moves the address of another node`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        bench.actions = []
        try bench.update(2, address, careOf: careOf)
        #expect(bench.actions.map(\.step) == [.send, .report])
        #expect(bench.errors(to: 2) == [.notOwner])
        #expect(bench.machine.host(address)?.careOfAddress == nil)
    }

    @Test func `the care-of address must be where the message comes from`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        let body = LocationUpdate(
            address: address, location: .away(careOf: IPAddress("198.51.100.1")!, .ipInIP), lifetime: 0)
        bench.receive(try bench.message(.locationUpdate(body), of: 1), from: careOf, on: nil)
        #expect(bench.errors(to: 1) == [.careOfMismatch])
    }

    @Test(arguments: ["192.0.2.1", "10.1.0.77", "127.0.0.1"])
    func `an address of the router itself is no care-of address`(_ text: String) throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        try bench.update(1, address, careOf: IPAddress(text)!)
        #expect(bench.errors(to: 1) == [.careOfMismatch])
    }

    @Test func `a move that is overtaken by the next one is refused when it comes`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        let early = try bench.message(
            .locationUpdate(
                LocationUpdate(address: address, location: .away(careOf: careOf, .ipInIP), lifetime: 0)), of: 1)
        try bench.update(1, address, careOf: third)
        bench.store()
        bench.receive(early, from: careOf, on: nil)
        #expect(bench.errors(to: 1) == [.outdated])
        #expect(bench.machine.host(address)?.careOfAddress == third)
    }

    @Test func `a message that comes twice has an effect once`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        let bytes = try bench.message(.release(Release(address: address)), of: 1)
        bench.receive(bytes)
        bench.store()
        _ = try bench.attach(1, previous: [address])
        bench.receive(bytes)
        bench.store()
        #expect(bench.errors(to: 1) == [.replayed])
        #expect(bench.machine.hostCount == 1)
    }

    @Test func `both places are in use while the node says so`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        let mac = MACAddress(bits: 0x02_0001)
        bench.actions = []
        let both = LocationUpdate(address: address, location: .both(mac, careOf: careOf, .ipInIP), lifetime: 0)
        bench.receive(try bench.message(.locationUpdate(both), of: 1), from: careOf, on: nil)
        bench.store()
        let neighbour = Neighbour(mac: mac, interface: RouterBench.link)
        let tunnel = Tunnel(local: RouterBench.endpoint, peer: careOf, kind: .ipInIP)
        #expect(bench.installed.map(\.location) == [.both(neighbour, tunnel, bicast: true)])
        try bench.update(1, address, careOf: careOf)
        bench.store()
        #expect(bench.installed.last?.location == .tunnelled(tunnel))
    }

    @Test func `a GRE tunnel needs the key that the router named`() throws {
        var bench = try RouterBench()
        let reply = try #require(try bench.attach(1))
        let address = try #require(reply.leases.first?.address)
        func update(_ key: UInt32) -> MessageBody {
            .locationUpdate(
                LocationUpdate(
                    address: address, location: .away(careOf: careOf, .gre(key: key, sequenced: true)), lifetime: 0))
        }
        bench.receive(try bench.message(update(reply.greKey &+ 1), of: 1), from: careOf, on: nil)
        #expect(bench.errors(to: 1) == [.unsupportedTunnel])
        bench.receive(try bench.message(update(reply.greKey), of: 1), from: careOf, on: nil)
        bench.store()
        #expect(bench.machine.binding(of: address)?.location.tunnel?.kind == .gre(key: reply.greKey, sequenced: true))
    }

    @Test func `an address that nobody leased is unknown`() throws {
        var bench = try RouterBench()
        _ = try bench.attach(1)
        try bench.update(1, IPAddress("10.1.0.99")!, careOf: careOf)
        #expect(bench.errors(to: 1) == [.unknownAddress])
    }
}

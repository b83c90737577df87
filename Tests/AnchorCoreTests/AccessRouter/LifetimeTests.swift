import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct LifetimeTests {
    let careOf = IPAddress("10.2.0.2")!

    @Test func `a lease that nobody refreshes ends`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        bench.wait(.seconds(599))
        #expect(bench.removed.isEmpty)
        bench.wait(.seconds(2))
        bench.store()
        #expect(bench.removed == [address])
        #expect(bench.reports.contains(.expired(node: 1, address: address, .lifetime)))
        #expect(bench.machine.hostCount == 0)
        #expect(bench.machine.timersInHand == 0)
    }

    @Test func `however many leases end at one moment, only so many wait for storage at once`() throws {
        let configuration = RouterBench.configuration(quota: 10_000, pools: ["10.0.0.0/8"])
        let hosts = (0..<5000).map { number in
            AccessRouterRecord.host(
                HostRecord(
                    address: IPAddress(v4: 0x0a00_1000 + UInt32(number)), node: 1,
                    order: MessageOrder(epoch: 1, sequence: 1),
                    location: .attached(Neighbour(mac: MACAddress(bits: 2), interface: RouterBench.link)),
                    link: RouterBench.link))
        }
        var bench = try RouterBench(configuration, restoring: hosts)
        bench.start()
        #expect(bench.machine.hostCount == 5000)
        bench.wait(.seconds(601))
        #expect((1...2000).contains(bench.machine.outstandingRecords))
        // Storage is what is waited for: no timer is due again and again.
        #expect(bench.machine.nextDeadline.map { $0 > bench.now } != false)
        for _ in 0..<20 {
            bench.store()
            #expect(bench.machine.outstandingRecords <= 2000)
            bench.wait(.milliseconds(1))
        }
        #expect(bench.machine.hostCount == 0)
        #expect(bench.removed.count == 5000)
        #expect(bench.machine.timersInHand == 0)
        #expect(bench.machine.places == HostPlaces())
    }

    @Test func `a refresh postpones the end`() throws {
        var bench = try RouterBench()
        _ = try bench.attach(1)
        bench.wait(.seconds(400))
        _ = try bench.attach(1)
        bench.wait(.seconds(400))
        #expect(bench.machine.hostCount == 1)
    }

    @Test func `a binding elsewhere ends when no packet came for too long, refreshed or not`() throws {
        var configuration = RouterBench.configuration()
        configuration.inactivity = .seconds(100)
        var bench = try RouterBench(configuration)
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        try bench.update(1, address, careOf: careOf)
        bench.store()
        bench.wait(.seconds(60))
        try bench.update(1, address, careOf: careOf)
        bench.store()
        bench.wait(.seconds(60))
        bench.store()
        #expect(bench.reports.contains(.expired(node: 1, address: address, .inactivity)))
    }

    @Test func `a packet that was seen keeps a binding alive`() throws {
        var configuration = RouterBench.configuration()
        configuration.inactivity = .seconds(100)
        var bench = try RouterBench(configuration)
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        try bench.update(1, address, careOf: careOf)
        bench.store()
        bench.wait(.seconds(90))
        bench.handle(.activity([HostActivity(address: address, lastSeen: bench.now)]))
        bench.wait(.seconds(90))
        #expect(bench.machine.hostCount == 1)
        bench.wait(.seconds(20))
        bench.store()
        #expect(bench.machine.hostCount == 0)
    }

    @Test func `an attached node that is silent keeps its lease`() throws {
        var configuration = RouterBench.configuration()
        configuration.inactivity = .seconds(100)
        var bench = try RouterBench(configuration)
        _ = try bench.attach(1)
        bench.wait(.seconds(500))
        #expect(bench.machine.hostCount == 1)
    }

    @Test func `the node that releases an address twice is told twice that it is gone`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        for _ in 0..<2 {
            bench.actions = []
            bench.receive(try bench.message(.release(Release(address: address)), of: 1))
            bench.store()
            #expect(
                bench.answers(to: 1).contains {
                    if case .releaseAck(let ack) = $0 { ack.address == address } else { false }
                })
        }
    }

    @Test func `nobody releases the address of another node`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        bench.receive(try bench.message(.release(Release(address: address)), of: 2))
        bench.store()
        #expect(bench.errors(to: 2) == [.notOwner])
        #expect(bench.removed.isEmpty)
    }

    @Test func `a node that attaches while its removal is being stored keeps the address`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        bench.receive(try bench.message(.release(Release(address: address)), of: 1))
        #expect(try bench.attach(1, previous: [address])?.leases.first?.address == address)
        #expect(bench.machine.binding(of: address) != nil)
    }

    @Test func `an operator removes a host whatever its node says`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        bench.handle(.delete(address))
        bench.store()
        #expect(bench.removed == [address])
        #expect(bench.reports.contains(.deleted(node: 1, address: address)))
    }
}

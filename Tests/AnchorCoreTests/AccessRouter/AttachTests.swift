import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct AttachTests {
    @Test func `a node gets one address of each family that it wants, with the gateway and the endpoints`() throws {
        var bench = try RouterBench()
        let reply = try #require(try bench.attach(1, [.v4, .v6]))
        #expect(reply.leases.map(\.address) == [IPAddress("10.1.0.2")!, IPAddress("fd01::2")!])
        #expect(reply.leases.map(\.gateway) == [IPAddress("10.1.0.1")!, IPAddress("fd01::1")!])
        #expect(reply.endpoints == [RouterBench.endpoint, RouterBench.endpoint6])
        #expect(bench.installed.map(\.chain) == ["firewall", "firewall"])
        let neighbour = Neighbour(mac: MACAddress(bits: 0x02_0001), interface: RouterBench.link)
        #expect(bench.installed.map(\.location) == [.attached(neighbour), .attached(neighbour)])
    }

    @Test func `the binding is in force before the node hears of it`() throws {
        var bench = try RouterBench()
        _ = try bench.attach(1)
        #expect(bench.actions.map(\.step) == [.persist, .install, .report, .send])
    }

    @Test func `a request that is repeated gets the same address`() throws {
        var bench = try RouterBench()
        let first = try #require(try bench.attach(1))
        let second = try #require(try bench.attach(1))
        #expect(first.leases == second.leases)
        #expect(bench.machine.hostCount == 1)
    }

    @Test func `a node gets its old address again after it released it`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        bench.receive(try bench.message(.release(Release(address: address)), of: 1))
        bench.store()
        #expect(bench.machine.hostCount == 0)
        #expect(try bench.attach(2)?.leases.first?.address != address)
        #expect(try bench.attach(1, previous: [address])?.leases.first?.address == address)
    }

    @Test func `a released address is not given to another node while packets may be in flight`() throws {
        var bench = try RouterBench(RouterBench.configuration(pools: ["10.1.0.0/30"]))
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        bench.receive(try bench.message(.release(Release(address: address)), of: 1))
        bench.store()
        #expect(try bench.attach(2, previous: [address]) == nil)
        #expect(bench.errors(to: 2) == [.noAddress])
        bench.wait(.seconds(61))
        #expect(try bench.attach(2)?.leases.first?.address == address)
    }

    @Test func `a node over its quota is refused and others are not`() throws {
        var bench = try RouterBench(RouterBench.configuration(quota: 1))
        #expect(try bench.attach(1, [.v4, .v6])?.leases.count == 1)
        #expect(bench.reports.contains(.quotaReached(node: 1)))
        #expect(try bench.attach(1, [.v6]) == nil)
        #expect(bench.errors(to: 1) == [.quotaReached])
        #expect(try bench.attach(2, [.v4])?.leases.count == 1)
    }

    @Test func `nobody attaches from the core`() throws {
        var bench = try RouterBench()
        #expect(try bench.attach(1, on: nil) == nil)
        #expect(bench.errors(to: 1) == [.notOnLink])
    }

    @Test func `an empty pool is an error and a report`() throws {
        var bench = try RouterBench(RouterBench.configuration(pools: ["10.1.0.0/30"]))
        _ = try bench.attach(1)
        #expect(try bench.attach(2) == nil)
        #expect(bench.errors(to: 2) == [.noAddress])
        #expect(bench.reports.contains(.poolExhausted(RouterBench.link, .v4)))
        #expect(bench.machine.hostCount == 1)
    }

    @Test func `the address of another node that a node asks for is not given to it`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        #expect(try bench.attach(2, previous: [address])?.leases.first?.address != address)
        #expect(bench.machine.host(address)?.node == 1)
    }

    @Test func `a copy that comes late does not undo what was said since`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        let body = AttachRequest(
            linkAddress: MACAddress(bits: 0x02_0001), families: [.v4], lifetime: 0, previousAddresses: [address])
        let late = try bench.message(.attachRequest(body), of: 1)
        try bench.update(1, address, careOf: IPAddress("10.2.0.2")!)
        bench.store()
        bench.actions = []
        bench.receive(late)
        #expect(bench.errors(to: 1) == [.outdated])
        #expect(bench.machine.host(address)?.careOfAddress == IPAddress("10.2.0.2")!)
    }
}

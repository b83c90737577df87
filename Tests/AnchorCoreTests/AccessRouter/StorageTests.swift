import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct StorageTests {
    let careOf = IPAddress("10.2.0.2")!

    @Test func `nothing is in force or acknowledged before it is stored`() throws {
        var bench = try RouterBench()
        let body = AttachRequest(linkAddress: MACAddress(bits: 0x02_0001), families: [.v4], lifetime: 0)
        bench.receive(try bench.message(.attachRequest(body), of: 1))
        #expect(bench.actions.map(\.step) == [.persist])
        #expect(bench.machine.bindings.map(\.address).isEmpty)
        bench.store()
        #expect(bench.installed.count == 1)
    }

    @Test func `one confirmation answers thousands of requests`() throws {
        var configuration = RouterBench.configuration(quota: 10_000, pools: ["10.0.0.0/8"])
        configuration.rateLimit = RateLimit(perSecond: 1_000_000, burst: 1_000_000)
        var bench = try RouterBench(configuration)
        for number in 0..<3000 {
            let body = AttachRequest(
                linkAddress: MACAddress(bits: UInt64(0x02_0000 + number)), families: [.v4], lifetime: 0)
            bench.receive(try bench.message(.attachRequest(body), of: 1))
        }
        #expect(bench.machine.outstandingRecords == 3000)
        bench.store()
        #expect(bench.answers(to: 1).count == 3000)
        #expect(Set(bench.installed.map(\.address)).count == 3000)
        #expect(bench.machine.outstandingRecords == 0)
    }

    @Test func `a failed write refuses the update and leaves forwarding alone`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        try bench.update(1, address, careOf: careOf)
        bench.actions = []
        bench.handle(.persistFailed(bench.newestRecord...bench.newestRecord))
        #expect(bench.errors(to: 1) == [.storageFailed])
        #expect(bench.installed.isEmpty && bench.removed.isEmpty)
        #expect(bench.machine.host(address)?.careOfAddress == nil)
        try bench.update(1, address, careOf: careOf)
        bench.store()
        #expect(bench.machine.host(address)?.careOfAddress == careOf)
    }

    @Test func `a lease that could not be stored is free again`() throws {
        var bench = try RouterBench()
        let body = AttachRequest(linkAddress: MACAddress(bits: 0x02_0001), families: [.v4, .v6], lifetime: 0)
        bench.receive(try bench.message(.attachRequest(body), of: 1))
        bench.handle(.persistFailed(1...2))
        #expect(bench.machine.hostCount == 0)
        #expect(bench.errors(to: 1) == [.storageFailed])
    }

    @Test func `leases survive a restart, and the table is put back before anything else`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        try bench.update(1, address, careOf: careOf)
        // Stored, and the router dies before it hears of it.
        var restarted = try RouterBench(RouterBench.configuration(epoch: 2), restoring: bench.journal)
        restarted.start()
        #expect(restarted.installed.map(\.location.tunnel?.peer) == [careOf])
        #expect(restarted.actions.first?.step == .install)
    }

    @Test func `what was accepted before a restart is refused after it`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        let captured = try bench.message(
            .locationUpdate(
                LocationUpdate(address: address, location: .away(careOf: careOf, .ipInIP), lifetime: 0)), of: 1)
        bench.receive(captured, from: careOf, on: nil)
        bench.store()
        var restarted = try RouterBench(RouterBench.configuration(epoch: 2), restoring: bench.journal)
        restarted.start()
        restarted.actions = []
        restarted.receive(captured, from: careOf, on: nil)
        #expect(restarted.errors(to: 1) == [.replayed])
        #expect(restarted.journal.isEmpty)
    }

    @Test func `a release that was accepted before a restart cannot be replayed against the next lease`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        let captured = try bench.message(.release(Release(address: address)), of: 1)
        bench.receive(captured)
        bench.store()
        _ = try bench.attach(1, previous: [address])
        var restarted = try RouterBench(RouterBench.configuration(epoch: 2), restoring: bench.machine.snapshot)
        restarted.start()
        restarted.receive(captured)
        #expect(restarted.errors(to: 1) == [.replayed])
        #expect(restarted.machine.hostCount == 1)
    }

    @Test func `a snapshot taken in parts, and the records from then on, say what holds`() throws {
        for seed in 0..<50 as Range<UInt64> {
            var random = SeededRandom(seed: seed)
            var configuration = RouterBench.configuration(quota: 100, pools: ["10.1.0.0/24", "fd01::/64"])
            configuration.quarantine = .zero
            configuration.rateLimit = RateLimit(perSecond: 1_000_000, burst: 1_000_000)
            var bench = try RouterBench(configuration)
            var addresses: [UInt64: [IPAddress]] = [:]
            var stored = (number: bench.newestRecord, count: bench.journal.count)
            func change() throws {
                let node = random.next() % 3 + 1
                let own = addresses[node] ?? []
                let chosen = own.isEmpty ? nil : own[Int(random.next() % UInt64(own.count))]
                switch random.next() % 4 {
                case 0:
                    if let chosen {
                        let careOf = IPAddress(v4: 0x0a02_0000 | UInt32(random.next() & 0xff))
                        try bench.update(node, chosen, careOf: careOf)
                    }
                case 1:
                    if let chosen {
                        bench.receive(try bench.message(.release(Release(address: chosen)), of: node))
                        addresses[node] = own.filter { $0 != chosen }
                    }
                default:
                    let mac = MACAddress(bits: random.next() & 0xff)
                    let body = AttachRequest(linkAddress: mac, families: [.v4], lifetime: 0)
                    bench.receive(try bench.message(.attachRequest(body), of: node))
                }
                // Some are refused, since they could not be stored.
                switch random.next() % 8 {
                case 0 where bench.newestRecord > stored.number:
                    bench.handle(.persistFailed(stored.number + 1...bench.newestRecord))
                    bench.journal.removeLast(bench.journal.count - stored.count)
                case 1...4: bench.store()
                default: return
                }
                stored = (bench.newestRecord, bench.journal.count)
            }
            func grow() throws {
                try change()
                for node in 1...3 as ClosedRange<UInt64> {
                    addresses[node] = bench.machine.hostTable.filter { $0.node == node }.map(\.address)
                }
            }
            for _ in 0..<60 { try grow() }
            bench.store()
            stored = (bench.newestRecord, bench.journal.count)
            let start = bench.journal.count
            var records: [AccessRouterRecord] = []
            var place: Int? = 0
            while let from = place {
                place = bench.machine.snapshot(from: from, places: 3) { records.append($0) }
                try grow()
            }
            bench.store()
            let tail = bench.journal[start...]
            let restarted = try RouterBench(RouterBench.configuration(epoch: 2), restoring: records + tail)
            func shown(_ machine: AccessRouter) -> [String] {
                machine.hostTable.map { "\($0.address) \($0.node) \($0.location)" }
            }
            #expect(shown(restarted.machine) == shown(bench.machine), "seed \(seed)")
        }
    }

    @Test func `a sender whose epoch is behind is told how far`() throws {
        var bench = try RouterBench()
        bench.epochs[1] = 7
        _ = try bench.attach(1)
        bench.epochs[1] = 2
        #expect(try bench.attach(1) == nil)
        guard case .error(let error)? = bench.answers(to: 1).first else {
            Issue.record("no error")
            return
        }
        #expect(error.code == .staleEpoch)
        #expect(error.receiverView?.epoch == 7)
    }

    @Test func `hosts of nodes or pools that are no longer configured are removed at the start`() throws {
        var bench = try RouterBench()
        _ = try bench.attach(1, [.v4, .v6])
        var restarted = try RouterBench(
            RouterBench.configuration(pools: ["10.1.0.0/24"], epoch: 2), restoring: bench.journal)
        restarted.start()
        #expect(restarted.installed.map(\.address.family) == [.v4])
        #expect(restarted.journal.count == 1)
    }
}

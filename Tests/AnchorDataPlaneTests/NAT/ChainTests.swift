import CAtomics
import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// All flows of a host, found without a look at any other's.
@Suite struct ChainTests {
    private let host = IPAddress.ten(1)
    private let other = IPAddress.ten(2)

    private func bench() throws -> (NATBench, NATProgram) {
        let bench = NATBench()
        try bench.subscribe(host, blocks: [2], limit: 1000)
        try bench.subscribe(other, blocks: [3], limit: 1000)
        return (bench, NATProgram(memory: bench.memory))
    }

    private func flows(_ bench: NATBench, of host: IPAddress) -> [RoamingFlow] {
        var found: [RoamingFlow] = []
        bench.table.flows(of: host) {
            found.append($0)
            return true
        }
        return found
    }

    private func away(_ port: UInt16, _ router: UInt32 = 3, seen: UInt32 = 0) -> RoamingFlow {
        RoamingFlow(
            transport: 6, localPort: port, remote: .documentation(9), remotePort: 443, anchor: router, lastSeen: seen)
    }

    @Test func `a host's flows are its own, the newest first`() throws {
        let (bench, program) = try bench()
        for port in 1...3 {
            _ = try program.make(.tcp(host, UInt16(port)), now: UInt32(port))
            _ = try program.make(.udp(other, UInt16(port)), now: 9)
        }
        _ = try program.make(.ping(host, 7), now: 4)
        let found = flows(bench, of: host)
        #expect(found.map(\.localPort) == [7, 3, 2, 1])
        #expect(found.map(\.transport) == [1, 6, 6, 6])
        #expect(found.map(\.remotePort) == [0, 443, 443, 443])
        #expect(found.map(\.lastSeen) == [4, 3, 2, 1])
        #expect(found.allSatisfy { $0.remote == .documentation(9) && $0.anchor == nil })
        #expect(bench.table.flowCount(of: host) == (here: 4, away: 0))
        #expect(flows(bench, of: .ten(3)).isEmpty)
        #expect(flows(bench, of: IPAddress("2001:db8::1")!).isEmpty)
    }

    @Test func `a walk ends when it is told to`() throws {
        let (bench, program) = try bench()
        for port in 1...10 { _ = try program.make(.tcp(host, UInt16(port))) }
        var seen = 0
        bench.table.flows(of: host) { _ in
            seen += 1
            return seen < 4
        }
        #expect(seen == 4)
    }

    // MARK: Flows that began elsewhere

    @Test func `flows that began elsewhere are there as they were told`() throws {
        let (bench, _) = try bench()
        let told = [
            away(1, 0, seen: 5), away(2, 31, seen: 6),
            RoamingFlow(
                transport: 1, localPort: 9, remote: .documentation(1), remotePort: 0, anchor: 2, lastSeen: 7),
        ]
        #expect(bench.table.insertAway(told, of: host) == AwayResult(inserted: 3))
        #expect(flows(bench, of: host) == told.reversed())
        #expect(bench.table.flowCount(of: host) == (here: 0, away: 3))
        #expect(bench.table.subscriber(host)?.flows == 0, "it is asked about flows that begin here")
        #expect(bench.chainsAreRight)
        #expect(bench.memory.translations.live == 3)
    }

    @Test func `told again they are the same, with the router that is named now`() throws {
        let (bench, _) = try bench()
        _ = bench.table.insertAway([away(1), away(2)], of: host)
        #expect(
            bench.table.insertAway([away(1, 5), away(2), away(3)], of: host) == AwayResult(inserted: 1, present: 2))
        #expect(flows(bench, of: host).map(\.anchor) == [3, 3, 5])
        #expect(bench.table.flowCount(of: host).away == 3)
        #expect(bench.chainsAreRight)
    }

    @Test func `a flow that began here stays here`() throws {
        let (bench, program) = try bench()
        _ = try program.make(.tcp(host, 1))
        #expect(bench.table.insertAway([away(1), away(2)], of: host) == AwayResult(inserted: 1, present: 1))
        #expect(flows(bench, of: host).map(\.anchor) == [3, nil])
        #expect(bench.table.flowCount(of: host) == (here: 1, away: 1))
    }

    @Test func `what is no flow, and flows of nobody, are refused`() throws {
        let (bench, _) = try bench()
        var wrong = [RoamingFlow](repeating: away(1), count: 5)
        wrong[0].anchor = nil
        wrong[1].anchor = 32
        wrong[2].remote = IPAddress("2001:db8::1")!
        wrong[3].transport = 47
        wrong[4].transport = 1
        #expect(bench.table.insertAway(wrong, of: host) == AwayResult(refused: 5))
        #expect(bench.table.insertAway([away(1)], of: .ten(9)) == AwayResult(refused: 1))
        #expect(bench.table.insertAway([away(1)], of: IPAddress("2001:db8::1")!) == AwayResult(refused: 1))
        #expect(bench.isSwept)
    }

    @Test func `of each router a host has no more than it may have here`() throws {
        let bench = NATBench()
        try bench.subscribe(host, limit: 20)
        let flood = (0..<100).map { away(UInt16($0), 1) }
        #expect(bench.table.insertAway(flood, of: host) == AwayResult(inserted: 20, refused: 80))
        #expect(bench.table.insertAway(flood, of: host) == AwayResult(present: 20, refused: 80))
        let others = (200..<230).map { away(UInt16($0), 2) }
        #expect(bench.table.insertAway(others, of: host) == AwayResult(inserted: 20, refused: 10))
        #expect(bench.table.flowCount(of: host).away == 40)
    }

    @Test func `a full table refuses, and loses none`() throws {
        let bench = NATBench(translations: 64)
        try bench.subscribe(host, limit: 1000)
        let result = bench.table.insertAway((0..<200).map { away(UInt16($0)) }, of: host)
        #expect(result.inserted > 50 && result.inserted <= 64 && result.refused == 200 - result.inserted)
        #expect(bench.table.flowCount(of: host).away == result.inserted)
        #expect(bench.chainsAreRight)
    }

    @Test func `many come in parts`() throws {
        let bench = NATBench(translations: 16384)
        try bench.subscribe(host, limit: 5000)
        let many = (0..<3000).map { away(UInt16($0)) }
        #expect(bench.table.insertAway(many, of: host) == AwayResult(inserted: 3000))
        #expect(Set(flows(bench, of: host)) == Set(many))
        #expect(bench.chainsAreRight)
    }

    @Test func `those of one router go, or all, and none that began here`() throws {
        let (bench, program) = try bench()
        for port in 1...6 {
            _ = try program.make(.tcp(host, UInt16(port)))
            _ = bench.table.insertAway([away(UInt16(100 + port), UInt32(port % 3))], of: host)
        }
        #expect(bench.table.removeAway(of: host, router: 1) == 2)
        #expect(bench.table.flowCount(of: host) == (here: 6, away: 4))
        #expect(bench.chainsAreRight)
        #expect(bench.table.removeAway(of: host, router: 1) == 0)
        #expect(bench.table.removeAway(of: host, router: nil) == 4)
        #expect(bench.table.flowCount(of: host) == (here: 6, away: 0))
        #expect(bench.chainsAreRight)
        #expect(bench.table.removeAway(of: .ten(9), router: nil) == 0)
        // Told again before their slots are free, they get others.
        #expect(bench.table.insertAway([away(101)], of: host).inserted == 1)
    }

    // MARK: Programs meanwhile

    @Test func `a walk waits for a program that is about to say what follows`() throws {
        let box = Box()
        let bench = NATBench { box.run() }
        try bench.subscribe(host)
        let program = NATProgram(memory: bench.memory)
        for port in 1...3 { _ = try program.make(.tcp(host, UInt16(port))) }
        let newest = bench.chain(host)[0]
        let rest = bench.memory.next(newest)
        program.link(newest, after: FA_NAT_CHAINING)
        box.body = { program.link(newest, after: rest) }
        #expect(flows(bench, of: host).map(\.localPort) == [3, 2, 1])
    }

    @Test func `one that never says so holds up nobody for ever`() throws {
        let (bench, program) = try bench()
        _ = try program.make(.tcp(host, 1))
        _ = bench.table.insertAway([away(9)], of: host)
        let newest = try program.make(.tcp(host, 2)).up
        let rest = bench.memory.next(newest)
        program.link(newest, after: FA_NAT_CHAINING)
        #expect(flows(bench, of: host).isEmpty)
        #expect(bench.table.removeAway(of: host, router: nil) == 0, "and says what it did")
        program.link(newest, after: rest)
        #expect(bench.table.removeAway(of: host, router: nil) == 1)
    }
}

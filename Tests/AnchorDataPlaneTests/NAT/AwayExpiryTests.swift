import CAtomics
import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// Flows that began at other routers end by themselves, with their host, or when they are told to; and nothing is freed
/// that a chain leads to.
@Suite struct AwayExpiryTests {
    private let host = IPAddress.ten(1)
    private static let ticks = NATTicks(tcpEstablished: 7000, tcpTransitory: 240, udp: 300, icmp: 60)

    private func bench() throws -> (NATBench, NATProgram) {
        let bench = NATBench()
        try bench.subscribe(host, limit: 1000)
        return (bench, NATProgram(memory: bench.memory))
    }

    private func away(_ transport: UInt8, _ port: UInt16, seen: UInt32 = 0, router: UInt32 = 3) -> RoamingFlow {
        RoamingFlow(
            transport: transport, localPort: port, remote: .documentation(9), remotePort: transport == 1 ? 0 : 443,
            anchor: router, lastSeen: seen)
    }

    private func expire(_ bench: NATBench, at now: UInt32) -> NATPass {
        bench.table.expire(Self.ticks, now: now, from: 0, places: .max)
    }

    private func ends(_ bench: NATBench, after ticks: UInt32, last: UInt32) -> Bool {
        let kept = expire(bench, at: last + ticks)
        guard kept.awayFlowsRemoved == 0, kept.counts.awayFlows == 1 else { return false }
        let over = expire(bench, at: last + ticks + 1)
        return over.awayFlowsRemoved == 1 && over.counts.awayFlows == 0 && over.losers == [host] && bench.isSwept
    }

    @Test(arguments: [(6, 7064), (17, 364), (1, 124)] as [(UInt8, UInt32)])
    func `one stays a little longer than if it had begun here`(_ transport: UInt8, _ ticks: UInt32) throws {
        let (bench, _) = try bench()
        _ = bench.table.insertAway([away(transport, 5000, seen: 10)], of: host)
        #expect(ends(bench, after: ticks, last: 10))
    }

    @Test(arguments: [FA_NAT_FIN, FA_NAT_RST])
    func `a connection that its host has ended is transitory`(_ flag: UInt32) throws {
        let (bench, program) = try bench()
        _ = bench.table.insertAway([away(6, 5000, seen: 10)], of: host)
        program.touch(bench.slots(NATKind.away)[0], now: 20, seen: FA_NAT_SEEN | flag)
        #expect(ends(bench, after: 304, last: 20))
    }

    @Test func `packets of its host keep it, and so does being told of it again`() throws {
        let (bench, program) = try bench()
        _ = bench.table.insertAway([away(17, 5000, seen: 10)], of: host)
        program.touch(bench.slots(NATKind.away)[0], now: 300)
        #expect(expire(bench, at: 600).awayFlowsRemoved == 0)
        #expect(bench.table.insertAway([away(17, 5000, seen: 650)], of: host).present == 1)
        #expect(bench.table.insertAway([away(17, 5000, seen: 0)], of: host).present == 1)
        #expect(ends(bench, after: 364, last: 650))
    }

    @Test func `of many, those that are over leave the chain, and the others stay in it`() throws {
        let (bench, program) = try bench()
        for port in 1...60 {
            let isOld = port % 3 != 0
            _ = try program.make(.udp(host, UInt16(port)), now: isOld ? 0 : 200)
            _ = bench.table.insertAway([away(17, UInt16(1000 + port), seen: isOld ? 0 : 200)], of: host)
        }
        let pass = expire(bench, at: 400)
        #expect(pass.flowsRemoved == 40 && pass.awayFlowsRemoved == 40)
        #expect(pass.counts.flows == 20 && pass.counts.awayFlows == 20)
        #expect(pass.losers == [host])
        #expect(bench.chainsAreRight)
        #expect(bench.table.flowCount(of: host) == (here: 20, away: 20))
        #expect(expire(bench, at: 401).losers.isEmpty)
        #expect(expire(bench, at: 1000).counts.flows == 0)
        #expect(bench.isSwept)
    }

    @Test func `the slots of those that were taken out by name are free after a pass`() throws {
        let (bench, _) = try bench()
        _ = bench.table.insertAway((1...50).map { away(6, UInt16($0), router: UInt32($0 % 2)) }, of: host)
        #expect(bench.table.removeAway(of: host, router: 0) == 25)
        #expect(bench.memory.translations.live == 50, "programs may hold them yet")
        let pass = expire(bench, at: 1)
        #expect(pass.counts.awayFlows == 25 && pass.awayFlowsRemoved == 0)
        #expect(bench.memory.translations.live == 25)
        #expect(bench.table.removeAway(of: host, router: nil) == 25)
        _ = expire(bench, at: 2)
        #expect(bench.isSwept)
    }

    @Test func `with its host they go, and the host's place is another's only then`() throws {
        let (bench, program) = try bench()
        _ = try program.make(.tcp(host, 1), now: 0)
        _ = bench.table.insertAway((1...50).map { away(6, UInt16($0)) }, of: host)
        bench.table.removeSubscriber(host)
        let pass = expire(bench, at: 1)
        #expect(pass.flowsRemoved == 1 && pass.awayFlowsRemoved == 49, "one began here")
        #expect(pass.released.map(\.inside) == [host])
        #expect(bench.isSwept)
    }

    @Test func `a host that is back at once has what it is told of, not what goes with it`() throws {
        let (bench, program) = try bench()
        _ = try program.make(.tcp(host, 2), now: 0)
        _ = bench.table.insertAway([away(6, 1)], of: host)
        bench.table.removeSubscriber(host)
        try bench.subscribe(host, blocks: [7], limit: 1000)
        #expect(bench.table.insertAway([away(6, 1, router: 4), away(6, 2, router: 4)], of: host).inserted == 2)
        #expect(expire(bench, at: 1).released.count == 1)
        #expect(bench.table.flowCount(of: host) == (here: 0, away: 2))
        #expect(bench.chainsAreRight)
        #expect(bench.memory.translations.live == 2)
    }

    // MARK: Programs and walks meanwhile

    @Test func `a slot is not free while a walk may stand on it`() throws {
        let (bench, program) = try bench()
        for port in 1...4 { _ = try program.make(.udp(host, UInt16(port)), now: 0) }
        _ = bench.table.insertAway([away(17, 1000)], of: host)
        let slots = bench.chain(host)
        var seen: [UInt16] = []
        bench.table.flows(of: host) { flow in
            seen.append(flow.localPort)
            if seen.count == 1 {
                program.touch(bench.slots(NATKind.up)[0], now: 300)
                let pass = expire(bench, at: 365)
                #expect(pass.flowsRemoved == 3 && pass.awayFlowsRemoved == 1)
                #expect(bench.chainsAreRight)
                for slot in slots { #expect(bench.memory.translations.word(slot).state != .free) }
            }
            return true
        }
        let left = try #require(bench.chain(host).first)
        let port = UInt16(bigEndian: bench.translation(left).pointee.key.local_port_be)
        #expect(seen.first == 1000)
        #expect(seen.contains(port), "what follows is found from a slot that was taken out meanwhile")
        _ = expire(bench, at: 366)
        #expect(bench.memory.translations.live == 4, "both directions, its mapping and its filter")
        _ = expire(bench, at: 1000)
        #expect(bench.isSwept)
    }

    @Test func `a flow that was taken out before its program had put it into the chain is free after that`() throws {
        let box = Box()
        let bench = NATBench { box.run() }
        try bench.subscribe(host)
        let program = NATProgram(memory: bench.memory)
        let older = try program.make(.udp(host, 1), now: 0)
        let owner = try #require(bench.table.place(of: host))
        // A program with a slow processor: the slot is there, and in no chain.
        let slow = try program.make(.udp(host, 2), now: 0)
        ca_store_relaxed_u32(
            UnsafeMutableRawPointer(bench.memory.subscribers.slots + owner) + NATOffset.chain, UInt32(older.up) + 1)
        program.link(slow.up, after: FA_NAT_CHAINING)
        box.body = {
            box.body = nil
            program.chain(slow.up, owner)
        }
        #expect(expire(bench, at: 301).flowsRemoved == 2)
        #expect(bench.isSwept)
    }

    @Test func `where a program holds up a chain, its slots are free in a later pass`() throws {
        let (bench, program) = try bench()
        for port in 1...3 { _ = try program.make(.udp(host, UInt16(port)), now: 0) }
        let newest = try program.make(.udp(host, 9), now: 300)
        let rest = bench.memory.next(newest.up)
        program.link(newest.up, after: FA_NAT_CHAINING)
        #expect(expire(bench, at: 301).flowsRemoved == 3)
        #expect(bench.memory.next(Int(rest) - 1) != 0)
        #expect(bench.memory.translations.word(Int(rest) - 1).state == .claimed)
        program.link(newest.up, after: rest)
        _ = expire(bench, at: 302)
        #expect(bench.chainsAreRight)
        #expect(bench.memory.translations.live == 4)
        _ = expire(bench, at: 1000)
        #expect(bench.isSwept)
    }
}

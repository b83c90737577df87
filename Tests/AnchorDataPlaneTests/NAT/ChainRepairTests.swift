import CAtomics
import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// Chains after a daemon that was killed anywhere, and after tables have got other sizes.
@Suite struct ChainRepairTests {
    private let host = IPAddress.ten(1)
    private let other = IPAddress.ten(2)

    /// Two hosts with five flows from here and five from elsewhere each.
    private func bench() throws -> (NATBench, NATProgram) {
        let bench = NATBench()
        let program = NATProgram(memory: bench.memory)
        for (number, host) in [host, other].enumerated() {
            try bench.subscribe(host, blocks: [2 + number], limit: 1000)
            for port in 1...5 {
                _ = try program.make(.tcp(host, UInt16(port)), now: 0)
                _ = bench.table.insertAway([away(UInt16(100 + port))], of: host)
            }
        }
        return (bench, program)
    }

    private func away(_ port: UInt16) -> RoamingFlow {
        RoamingFlow(transport: 6, localPort: port, remote: .documentation(9), remotePort: 443, anchor: 3)
    }

    private func take(_ index: Int, _ bench: NATBench) {
        let slot = bench.translation(index)
        slot.pointee.header.word = SlotWord(raw: slot.pointee.header.word).next(.claimed, tag: 0).raw
    }

    private func setHead(_ host: IPAddress, _ link: UInt32, _ bench: NATBench) throws {
        let owner = try #require(bench.table.place(of: host))
        bench.memory.subscribers.slots[owner].chain = link
    }

    @Test func `chains that are right stay as they are`() throws {
        let (bench, _) = try bench()
        let before = bench.chain(host)
        #expect(NATTable(bench.memory, owner: bench) {}.repair() == 0)
        #expect(bench.chain(host) == before)
        #expect(bench.chainsAreRight)
    }

    @Test(arguments: [[0], [9], [4, 5], Array(0..<10)])
    func `killed before it had unlinked what it took out`(_ places: [Int]) throws {
        let (bench, _) = try bench()
        let chain = bench.chain(host)
        for place in places { take(chain[place], bench) }
        let table = NATTable(bench.memory, owner: bench) {}
        #expect(table.repair() >= 2 * places.count)
        #expect(bench.chainsAreRight)
        #expect(bench.chain(host) == chain.enumerated().filter { !places.contains($0.offset) }.map(\.element))
        #expect(bench.chain(other).count == 10)
        for place in places { #expect(bench.memory.translations.word(chain[place]).state == .free) }
    }

    @Test func `killed before it had published what it put into a chain`() throws {
        let (bench, _) = try bench()
        let index = bench.chain(host)[0]
        let slot = bench.translation(index)
        slot.pointee.header.word = SlotWord(raw: slot.pointee.header.word).next(.claimed).raw
        _ = bench.restarted()
        #expect(bench.chainsAreRight)
        #expect(bench.chain(host).count == 9)
        #expect(bench.memory.translations.word(index).state == .free)
    }

    @Test func `what is in no chain is put into its own`() throws {
        let (bench, _) = try bench()
        try setHead(host, 0, bench)
        let table = NATTable(bench.memory, owner: bench) {}
        #expect(table.repair() == 10)
        #expect(bench.chainsAreRight)
    }

    @Test func `what a program is putting into a chain meanwhile is left to it`() throws {
        let (bench, program) = try bench()
        let newest = bench.chain(host)[0]
        let owner = try #require(bench.table.place(of: host))
        let first = bench.memory.next(newest)
        try setHead(host, first, bench)
        program.link(newest, after: FA_NAT_CHAINING)
        let box = Box()
        box.body = {
            box.body = nil
            program.chain(newest, owner)
        }
        let table = NATTable(bench.memory, owner: bench) { box.run() }
        #expect(table.repair() == 0)
        #expect(bench.chainsAreRight)
    }

    @Test func `a chain that leads into another's, round in circles or nowhere is mended`() throws {
        for wrong in 0..<3 {
            let (bench, _) = try bench()
            let chain = bench.chain(host)
            let link = [UInt32(bench.chain(other)[3]) + 1, UInt32(chain[1]) + 1, UInt32.max - 1][wrong]
            bench.translation(chain[4]).pointee.next = link
            _ = bench.restarted()
            #expect(bench.chainsAreRight)
            #expect(bench.chain(other).count == 10)
        }
    }

    @Test func `a host on its way out is so after it, and leaves nothing`() throws {
        let (bench, _) = try bench()
        bench.table.removeSubscriber(host)
        take(bench.chain(0).isEmpty ? 0 : bench.chain(0)[0], bench)
        let table = bench.restarted()
        let ticks = NATTicks(tcpEstablished: 7000, tcpTransitory: 240, udp: 300, icmp: 60)
        let pass = table.expire(ticks, now: 1, from: 0, places: .max)
        #expect(pass.released.map(\.inside) == [host])
        #expect(bench.chain(other).count == 10)
        #expect(bench.chainsAreRight)
    }

    @Test func `with other sizes each host has its flows`() throws {
        let (bench, _) = try bench()
        let larger = NATBench(translations: 16384, subscribers: 256)
        #expect(larger.table.move(from: bench.memory) == 0)
        #expect(larger.chainsAreRight)
        for host in [host, other] {
            #expect(larger.table.flowCount(of: host) == (here: 5, away: 5))
            larger.table.flows(of: host) { flow in
                #expect(flow.anchor == (flow.localPort > 100 ? 3 : nil))
                return true
            }
        }
        let smaller = NATBench(translations: 64)
        let lost = smaller.table.move(from: bench.memory)
        #expect(smaller.chainsAreRight)
        #expect(smaller.slots(NATKind.up).count + smaller.slots(NATKind.away).count == 20 - lost)
    }
}

import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

/// Routers of before are asked at once on a link that comes up (RFC 4436).
@Suite struct GuessTests {
    let first = NodeBench.address(0)
    let second = NodeBench.address(1)

    /// At router 0 first, then at router 1, and now without a link.
    private func moved() throws -> NodeBench {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: first)
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 1)
        bench.flows(1, of: second)
        bench.unplug(NodeBench.wlan)
        bench.forget()
        return bench
    }

    @Test func `back at a former router, an address is in use after one question and answer in all`() throws {
        var bench = try moved()
        bench.plug(NodeBench.wlan, into: 0)
        bench.deliverUpwards()
        bench.deliverDownwards()
        #expect(bench.path(of: first) == .direct(NodeBench.wlan))
        bench.deliverAll()
        #expect(bench.routers[1].host(second)?.careOfAddress == first)
        let requests = bench.sent.filter { if case .attachRequest = $0.body { true } else { false } }
        #expect(requests.map(\.header.recipient) == [1002, 1001])
    }

    @Test func `former routers are asked before the link is, the last one first`() throws {
        var bench = try moved()
        bench.plug(NodeBench.wlan, into: 2)
        #expect(bench.sent.map(\.header.recipient) == [1002, 1001, 0])
        #expect(
            bench.actions.contains(.resolve([NodeBench.address(1, 1), NodeBench.address(0, 1)], NodeBench.wlan)))
    }

    @Test func `a router that was never met is found as ever, and both anchors are told`() throws {
        var bench = try moved()
        bench.attach(NodeBench.wlan, to: 2)
        let third = NodeBench.address(2)
        #expect(bench.path(of: third) == .direct(NodeBench.wlan))
        for (router, address) in [(0, first), (1, second)] {
            #expect(bench.routers[router].host(address)?.careOfAddress == third)
        }
    }

    @Test func `told to attach to one router, a node asks no other`() throws {
        var bench = try moved()
        bench.handle(.attach(NodeBench.wlan, router: 1001))
        bench.plug(NodeBench.wlan, into: 1)
        #expect(bench.sent.map(\.header.recipient) == [1001, 0])
        bench.deliverAll()
        #expect(bench.routers[1].host(second)?.careOfAddress == nil)
        #expect(bench.node.attachmentStates.first?.state == .searching)
    }

    @Test func `a router in use on another interface is not asked to take its address away from there`() throws {
        var bench = try moved()
        bench.attach(NodeBench.wlan, to: 0)
        bench.forget()
        bench.plug(NodeBench.lte, into: 0)
        #expect(bench.sent.map(\.header.recipient) == [1002, 0])
    }

    /// Two routers on one link: one answers to the guess, the other one has advertised before.
    @Test func `an answer to a guess that comes after another router was chosen changes nothing for good`() throws {
        var bench = try moved()
        bench.plug(NodeBench.wlan, into: 0)
        bench.deliverUpwards()
        let late = bench.downwards
        bench.downwards = []
        bench.plugs[NodeBench.wlan] = 2
        bench.wait(.milliseconds(200))
        let third = NodeBench.address(2)
        #expect(bench.path(of: third) == .direct(NodeBench.wlan))
        bench.downwards = late
        bench.deliverAll()
        bench.wait(.seconds(1))
        #expect(bench.routers[0].host(first)?.careOfAddress == third)
        #expect(bench.routers[1].host(second)?.careOfAddress == third)
        #expect(bench.node.isSettled)
    }

    @Test func `no more than the four routers met last are asked`() throws {
        var bench = try NodeBench(routers: 6)
        for router in 0..<6 {
            bench.attach(NodeBench.wlan, to: router)
            bench.flows(1, of: NodeBench.address(router))
            bench.unplug(NodeBench.wlan)
        }
        bench.forget()
        bench.plug(NodeBench.wlan, into: 0)
        #expect(bench.sent.map(\.header.recipient) == [1006, 1005, 1004, 1003, 0])
    }
}

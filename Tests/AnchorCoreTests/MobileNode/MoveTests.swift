import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct MoveTests {
    let old = NodeBench.address(0)
    let new = NodeBench.address(1)

    private func tunnel(_ careOf: IPAddress, _ router: Int) -> Tunnel {
        Tunnel(local: careOf, peer: NodeBench.endpoint(router), kind: .ipInIP)
    }

    @Test func `a node that finds a router has an address in use after one question and answer`() throws {
        var bench = try NodeBench()
        bench.plug(NodeBench.wlan, into: 0)
        bench.deliverUpwards()
        bench.deliverDownwards()
        bench.forget()
        bench.deliverUpwards()
        bench.deliverDownwards()
        let route = DefaultRoute(
            gateway: NodeBench.address(0, 1), interface: NodeBench.wlan, source: old, mtu: 1500)
        #expect(
            bench.actions.prefix(1) == [
                .addAddress(OwnAddress(address: old, interface: NodeBench.wlan, preferred: true))
            ])
        #expect(bench.actions.contains(.setRoute(route)))
        #expect(bench.path(of: old) == .direct(NodeBench.wlan))
    }

    @Test func `the anchor is told in the same step in which the new address is got`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.unplug(NodeBench.wlan)
        bench.plug(NodeBench.wlan, into: 1)
        bench.deliverUpwards()
        bench.deliverDownwards()
        bench.deliverUpwards()
        bench.forget()
        bench.deliverDownwards()
        #expect(bench.updates.map(\.location) == [.away(careOf: new, .ipInIP)])
        #expect(bench.path(of: old) == .tunnelled(tunnel(new, 0), NodeBench.wlan))
        // The update leaves by the care-of address's way; the other address's can wait for it.
        func install(_ address: IPAddress) -> Int? {
            bench.actions.firstIndex { if case .install(let it) = $0 { it.address == address } else { false } }
        }
        let route = bench.actions.firstIndex { if case .setRoute = $0 { true } else { false } }
        let send = try #require(bench.actions.firstIndex { if case .send = $0 { true } else { false } })
        #expect(try #require(install(new)) < send)
        #expect(try #require(route) < send)
        #expect(try #require(install(old)) > send)
    }

    @Test func `after the third move every anchor is told, and nothing passes the second router any more`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 1)
        bench.flows(1, of: new)
        bench.unplug(NodeBench.wlan)
        bench.forget()
        bench.attach(NodeBench.wlan, to: 2)
        let third = NodeBench.address(2)
        #expect(Set(bench.updates.map(\.address)) == [old, new])
        #expect(bench.updates.allSatisfy { $0.location == .away(careOf: third, .ipInIP) })
        #expect(bench.path(of: old) == .tunnelled(tunnel(third, 0), NodeBench.wlan))
        #expect(bench.path(of: new) == .tunnelled(tunnel(third, 1), NodeBench.wlan))
        #expect(bench.routers[0].host(old)?.careOfAddress == third)
        #expect(bench.routers[1].host(new)?.careOfAddress == third)
    }

    @Test func `addresses with flows come first, the anchors of others are told a moment later`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(0, of: old)
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 1)
        bench.flows(1, of: new)
        bench.unplug(NodeBench.wlan)
        bench.plug(NodeBench.wlan, into: 2)
        while bench.updates.last?.address != new {
            bench.forget()
            bench.deliverUpwards()
            bench.deliverDownwards()
        }
        // The one leased first has no flows: it is not told of at once, but leads the new way at once like the other.
        #expect(bench.updates.map(\.address) == [new])
        let third = NodeBench.address(2)
        let tunnels = bench.installed.filter { $0.path != .direct(NodeBench.wlan) }
        #expect(tunnels.map(\.address) == [new, old])
        #expect(bench.path(of: old) == .tunnelled(tunnel(third, 0), NodeBench.wlan))
        bench.deliverAll()
        #expect(bench.updates.map(\.address) == [new])
        bench.wait(.milliseconds(3))
        #expect(bench.updates.map(\.address) == [new, old])
        #expect(bench.routers[0].host(old)?.careOfAddress == third)
    }

    @Test func `without any flows all anchors are told at once`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 1)
        bench.unplug(NodeBench.wlan)
        bench.forget()
        bench.attach(NodeBench.wlan, to: 2)
        #expect(Set(bench.updates.map(\.address)) == [old, new])
    }

    @Test func `old addresses are for old flows, the new one is preferred`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 1)
        #expect(bench.node.anchorTable.map(\.address) == [new, old])
        #expect(bench.node.anchorTable.map(\.preferred) == [true, false])
        #expect(
            bench.actions.contains(.addAddress(OwnAddress(address: old, interface: NodeBench.wlan, preferred: false))))
    }

    @Test func `a node that comes back uses its old address plainly again`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 1)
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 0)
        #expect(bench.path(of: old) == .direct(NodeBench.wlan))
        #expect(bench.routers[0].host(old)?.careOfAddress == nil)
        #expect(bench.routers[0].hostCount == 1)
        bench.wait(.seconds(5))
        #expect(bench.node.anchorTable.map(\.address) == [old])
        #expect(bench.routers[1].hostCount == 0)
    }

    @Test func `an answer that is lost makes the node ask again, less and less often`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.unplug(NodeBench.wlan)
        bench.plug(NodeBench.wlan, into: 1)
        for _ in 0..<2 {
            bench.deliverUpwards()
            bench.deliverDownwards()
        }
        bench.upwards = []
        bench.forget()
        bench.wait(.seconds(1), delivering: false)
        #expect((2...6).contains(bench.updates.count))
        let sequences = bench.sent.map(\.header.sequence)
        #expect(Set(sequences).count == sequences.count)
        bench.deliverAll()
        #expect(bench.routers[0].host(old)?.careOfAddress == new)
        bench.forget()
        bench.wait(.seconds(20))
        #expect(bench.updates.isEmpty)
    }

    @Test func `a move that is only seen by the router's silence is found by asking`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.plugs[NodeBench.wlan] = 1
        bench.handle(.routerUnreachable(NodeBench.wlan))
        bench.wait(.seconds(5))
        #expect(bench.reports.contains(.routerLost(NodeBench.wlan, router: 1001)))
        #expect(bench.path(of: old) == .tunnelled(tunnel(new, 0), NodeBench.wlan))
    }

    @Test func `a router that is heard without a carrier event is moved to when the old one does not answer`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.now = bench.now + .seconds(1)
        bench.plugs[NodeBench.wlan] = 1
        for case .send(let datagram) in bench.routers[1].start(at: bench.now) {
            bench.handle(
                .datagram(
                    Datagram(
                        source: NodeBench.address(1, 1), sourcePort: AnchorMessage.port, destination: .anyV4,
                        interface: NodeBench.wlan, bytes: datagram.bytes)))
        }
        bench.wait(.seconds(2))
        #expect(bench.node.anchorTable.contains { $0.address == new && $0.preferred })
    }

    @Test func `told to attach to one router the node ignores others`() throws {
        var bench = try NodeBench()
        bench.plugs[NodeBench.wlan] = 0
        bench.handle(.attach(NodeBench.wlan, router: 1002))
        bench.attach(NodeBench.wlan, to: 0)
        #expect(bench.node.anchorTable.isEmpty)
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 1)
        #expect(bench.node.anchorTable.map(\.router) == [1002])
    }
}

import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct TwoInterfacesTests {
    let old = NodeBench.address(0)
    let new = NodeBench.address(1)
    var tunnel: Tunnel { Tunnel(local: new, peer: NodeBench.endpoint(0), kind: .ipInIP) }

    /// Attached to router 0, with a flow, and to router 1.
    private func attachedTwice() throws -> NodeBench {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.forget()
        bench.attach(NodeBench.lte, to: 1)
        return bench
    }

    @Test func `while both interfaces are attached both are in use`() throws {
        let bench = try attachedTwice()
        let mac = MACAddress(bits: 0x02_0000)
        #expect(bench.updates.map(\.location) == [.both(mac, careOf: new, .ipInIP)])
        #expect(bench.path(of: old) == .both(direct: NodeBench.wlan, tunnel, NodeBench.lte, bicast: true))
        guard case .both? = bench.routers[0].host(old)?.location else {
            Issue.record("the anchor does not hold both")
            return
        }
        #expect(bench.reports.contains(.bothInUse(address: old, careOf: new)))
    }

    @Test func `the old way stays in use until the anchor has confirmed the new one`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.plug(NodeBench.lte, into: 1)
        for _ in 0..<2 {
            bench.deliverUpwards()
            bench.deliverDownwards()
        }
        #expect(bench.node.anchorTable.contains { $0.address == new })
        #expect(bench.path(of: old) == .direct(NodeBench.wlan))
        bench.deliverAll()
        #expect(bench.path(of: old) == .both(direct: NodeBench.wlan, tunnel, NodeBench.lte, bicast: true))
    }

    @Test func `when the old interface goes the tunnel remains, without a gap`() throws {
        var bench = try attachedTwice()
        bench.forget()
        bench.unplug(NodeBench.wlan)
        #expect(bench.path(of: old) == .tunnelled(tunnel, NodeBench.lte))
        #expect(bench.updates.map(\.location) == [.away(careOf: new, .ipInIP)])
        bench.deliverAll()
        #expect(
            bench.routers[0].host(old)?.location == .tunnelled(Tunnel(local: tunnel.peer, peer: new, kind: .ipInIP)))
    }

    @Test func `when the new interface goes the old address is told to be where it was`() throws {
        var bench = try attachedTwice()
        bench.unplug(NodeBench.lte)
        bench.deliverAll()
        #expect(bench.path(of: old) == .direct(NodeBench.wlan))
        #expect(bench.routers[0].host(old)?.careOfAddress == nil)
        #expect(bench.node.anchorTable.first { $0.address == old }?.preferred == true)
    }

    @Test func `from the second to the third router the old tunnel serves until the new one is confirmed`() throws {
        var bench = try attachedTwice()
        bench.unplug(NodeBench.wlan)
        bench.deliverAll()
        bench.plug(NodeBench.wlan, into: 2)
        for _ in 0..<2 {
            bench.deliverUpwards()
            bench.deliverDownwards()
        }
        #expect(bench.path(of: old) == .tunnelled(tunnel, NodeBench.lte))
        bench.deliverUpwards()
        // The anchor has moved on; what is on its way from the second router is accepted.
        #expect(bench.routers[0].binding(of: old)?.alsoAcceptedFrom == new)
        bench.deliverDownwards()
        let third = Tunnel(local: NodeBench.address(2), peer: NodeBench.endpoint(0), kind: .ipInIP)
        #expect(bench.path(of: old) == .tunnelled(third, NodeBench.wlan))
    }

    @Test func `two anchors never point at each other`() throws {
        var bench = try attachedTwice()
        bench.flows(1, of: new)
        // The first interface becomes the newest attachment: its address is pointed to, and points nowhere.
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 0)
        #expect(bench.routers[0].host(old)?.careOfAddress == nil)
        #expect(bench.routers[1].host(new)?.careOfAddress == old)
    }

    @Test func `both interfaces at one router have an address each, and the one that stays takes both`() throws {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.attach(NodeBench.lte, to: 0)
        let second = NodeBench.address(0, 3)
        #expect(Set(bench.node.anchorTable.map(\.address)) == [old, second])
        bench.unplug(NodeBench.wlan)
        bench.deliverAll()
        bench.wait(.milliseconds(100))
        #expect(bench.path(of: old) == .direct(NodeBench.lte))
        #expect(bench.path(of: second) == .direct(NodeBench.lte))
    }
}

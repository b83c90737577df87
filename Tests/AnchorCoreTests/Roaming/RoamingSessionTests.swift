import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

/// Sessions that end, routers that start anew, networks that fall apart.
@Suite struct RoamingSessionTests {
    private let host = RoamingBench.host

    /// A host that has moved from `a` to `b`, with a flow of `a`; all is done.
    private func moved(_ bench: inout RoamingBench) {
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.attach("b")
        bench.wait(.seconds(10))
    }

    @Test func `a session that comes up again has what was lost said again`() {
        var bench = RoamingBench("a", "b")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.isHolding = true
        bench.attach("b")
        bench.deliverNext()  // The claim; the grant and the flows are lost.
        bench.isHolding = false
        bench.disconnect("a", "b")
        bench.wait(.milliseconds(100))
        #expect(bench.place("b") == "b", "let in as new")
        #expect(bench.place("a") == "b")
        bench.connect("a", "b")
        bench.wait(.seconds(10))
        #expect(bench.flows["b"] == ["a"])
        #expect(bench.binding("a")?.epoch == bench.binding("b")?.epoch)
        #expect(bench.binding("b")?.previous == nil)
    }

    @Test func `an anchor that was cut off while its host moved on learns of it`() {
        var bench = RoamingBench("a", "b", "c")
        moved(&bench)
        bench.disconnect("a", "b")
        bench.disconnect("a", "c")
        bench.attach("c")
        #expect(bench.place("a") == "b")
        bench.connect("a", "b")
        #expect(bench.place("a") == "c")
        #expect(bench.binding("a")?.epoch == 3)
        bench.connect("a", "c")
        #expect(bench.place("a") == "c")
        #expect(bench.place("c") == "c")
    }

    @Test func `where the router that had the host is dead, its anchors give it to the one that claims it`() {
        var bench = RoamingBench("a", "b", "c")
        moved(&bench)
        bench.disconnect("a", "b")
        bench.disconnect("b", "c")
        bench.attach("c")
        #expect(bench.place("c") == "c")
        #expect(bench.place("a") == "c")
        #expect(bench.flows["c"] == ["a"])
    }

    @Test func `after a partition the router that the host came to last has it, and all of its flows`() {
        var bench = RoamingBench("a", "b")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.disconnect("a", "b")
        bench.wait(.seconds(1))
        bench.attach("b")
        bench.flows["b"] = ["b"]
        #expect(bench.place("a") == "a")
        #expect(bench.place("b") == "b")
        bench.wait(.seconds(1))
        bench.connect("a", "b")
        #expect(bench.place("a") == "b")
        #expect(bench.place("b") == "b")
        #expect(bench.flows["b"] == ["a", "b"])
    }

    @Test func `an anchor that can't be reached for a minute is given up, at both ends`() {
        var bench = RoamingBench("a", "b")
        moved(&bench)
        bench.disconnect("a", "b")
        bench.wait(.seconds(59))
        #expect(bench.binding("a") != nil)
        #expect(bench.binding("b")?.anchors == ["a"])
        bench.wait(.seconds(1))
        #expect(bench.binding("a") == nil)
        #expect(bench.binding("b")?.anchors == [])
        #expect(bench.flows["b"] == [])
    }

    @Test func `a router whose table is waited for and that can't be reached is not asked about flows for long`() {
        var bench = RoamingBench("a", "b")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.isHolding = true
        bench.attach("b")
        bench.deliverNext()
        bench.deliverNext()
        bench.isHolding = false
        bench.disconnect("a", "b")
        #expect(bench.binding("b")?.previous == "a")
        bench.wait(.seconds(3))
        #expect(bench.binding("b")?.previous == nil)
        bench.connect("a", "b")
        #expect(bench.flows["b"] == ["a"])
    }

    /// The machine is made anew of what the data plane has.
    private func restart(_ name: String, _ bench: inout RoamingBench) {
        let bindings = bench.routers[name]!.bindings
        let others = bench.routers.keys.filter { $0 != name }.sorted()
        for other in others { bench.disconnect(name, other) }
        var roaming = Roaming(bench.routers[name]!.configuration)
        for binding in bindings { roaming.adopt(binding, at: bench.now) }
        bench.routers[name] = roaming
        for other in others { bench.connect(name, other) }
    }

    @Test(arguments: ["a", "b"])
    func `a daemon that is started anew knows what it knew`(name: String) {
        var bench = RoamingBench("a", "b", "c")
        moved(&bench)
        let before = ["a", "b"].map { bench.binding($0) }
        restart(name, &bench)
        #expect(["a", "b"].map { bench.binding($0) } == before)
        bench.attach("c")
        bench.wait(.seconds(10))
        #expect(bench.place("a") == "c")
        #expect(bench.binding("b") == nil)
        #expect(bench.flows["c"] == ["a"])
    }

    @Test(arguments: ["a", "b"], 0..<8)
    func `a daemon that ends in the middle of a handover goes on with it`(name: String, step: Int) {
        var bench = RoamingBench("a", "b")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.isHolding = true
        bench.attach("b")
        for _ in 0..<step where !bench.onTheWay.isEmpty { bench.deliverNext() }
        bench.isHolding = false
        restart(name, &bench)
        bench.wait(.seconds(10))
        // Who has it follows from who was told what; a packet of the host settles it.
        bench.attach("b")
        bench.wait(.seconds(10))
        #expect(bench.place("b") == "b")
        #expect(bench.place("a") == "b")
        #expect(bench.flows["b"] == ["a"])
        #expect(bench.binding("b")?.previous == nil)
        #expect(bench.binding("a")?.isAsked == false)
    }
}

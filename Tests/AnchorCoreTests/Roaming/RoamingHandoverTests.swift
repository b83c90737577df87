import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct RoamingHandoverTests {
    private let host = RoamingBench.host

    @Test func `without other routers a host is let in at once`() {
        var bench = RoamingBench("a")
        bench.attach("a")
        #expect(
            bench.actions["a"]?.prefix(2) == [
                .install(
                    RoamingBinding(
                        address: host, epoch: 1, place: .here(RoamingBench.neighbour, isClaimed: false))),
                .release(host),
            ])
    }

    @Test func `a new host's packets wait for what all others say, and packets from anchors don't`() {
        var bench = RoamingBench("a", "b", "c")
        bench.isHolding = true
        bench.attach("a")
        #expect(
            bench.binding("a")
                == RoamingBinding(
                    address: host, epoch: 0, place: .here(RoamingBench.neighbour, isClaimed: true),
                    anchors: ["b", "c"]))
        #expect(bench.actions["a"]?.contains(.release(host)) == false)
        bench.deliver()
        #expect(bench.place("a") == "a")
        #expect(bench.binding("a")?.anchors == [])
        #expect(bench.actions["a"]?.contains(.release(host)) == true)
    }

    @Test func `a host that says where it comes from has that router asked alone, and all others if it is wrong`() {
        var bench = RoamingBench("a", "b", "c", "d")
        bench.attach("a")
        bench.attach("b", from: "a")
        #expect(bench.place("b") == "b")
        #expect(bench.kinds(from: "b", to: "a").contains(.claim))
        #expect(!bench.kinds(from: "b", to: "c").contains(.claim))
        bench.attach("c", from: "d")
        #expect(bench.place("c") == "c")
        #expect(bench.binding("c")?.epoch == 3)
        for other in ["a", "b", "d"] { #expect(bench.kinds(from: "c", to: other).contains(.claim)) }
        bench.attach("d", from: "nobody")
        #expect(bench.place("d") == "d")
        #expect(bench.binding("d")?.epoch == 4)
    }

    @Test func `a host is let in after fifty milliseconds when nobody answers`() {
        var bench = RoamingBench("a", "b")
        bench.isHolding = true
        bench.attach("a")
        bench.onTheWay = []
        bench.wait(.milliseconds(49))
        #expect(bench.place("a") == "claimed")
        bench.wait(.milliseconds(1))
        #expect(bench.place("a") == "a")
    }

    @Test func `a router whose answers take longer is waited for longer`() {
        var bench = RoamingBench("a", "b")
        bench.isHolding = true
        bench.attach("a")
        bench.wait(.milliseconds(40))
        bench.deliver()
        #expect(bench.place("a") == "a")
        bench.handle("a", .silent(host))
        bench.deliver()
        bench.attach("a")
        // Forty milliseconds, and four times the twenty that they may vary by.
        bench.wait(.milliseconds(119))
        #expect(bench.place("a") == "claimed")
        bench.wait(.milliseconds(1))
        #expect(bench.place("a") == "a")
    }

    @Test func `flows follow their host and their anchor keeps it until they end`() {
        var bench = RoamingBench("a", "b")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.attach("b")
        #expect(bench.place("a") == "b")
        #expect(bench.place("b") == "b")
        #expect(bench.binding("b")?.epoch == 2)
        #expect(bench.binding("b")?.anchors == ["a"])
        #expect(bench.binding("b")?.previous == nil)
        #expect(bench.flows["b"] == ["a"])
        bench.wait(.seconds(4))
        #expect(bench.binding("a")?.isAsked == false)
        bench.flows["a"] = []
        bench.handle("a", .flowsEnded(host))
        #expect(bench.binding("a") == nil)
        #expect(bench.routers["a"]?.hostCount == 0)
        #expect(bench.flows["b"] == [])
        bench.wait(.seconds(4))
        #expect(bench.binding("b")?.anchors == [])
    }

    @Test func `the former router's entry is changed before it says so, and asks back until all flows are known`() {
        var bench = RoamingBench("a", "b", "c")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.isHolding = true
        bench.attach("b")
        bench.actions["a"] = []
        bench.deliverNext()
        let done = bench.actions["a"]!
        let installed = done.firstIndex { if case .install = $0 { true } else { false } }!
        let granted = done.firstIndex { if case .send(.grant, _) = $0 { true } else { false } }!
        let sending = done.firstIndex { if case .sendFlows = $0 { true } else { false } }!
        #expect(installed < granted && granted < sending)
        #expect(
            bench.binding("a")
                == RoamingBinding(address: host, epoch: 2, place: .away(at: "b"), isAsked: true))
    }

    @Test func `until the table is whole packets of unknown flows are asked about where the host was`() {
        var bench = RoamingBench("a", "b")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.isHolding = true
        bench.attach("b")
        bench.deliverNext()
        bench.deliverNext()
        #expect(bench.binding("b")?.previous == "a")
        #expect(bench.binding("b")?.anchors == ["a"])
        bench.deliver()
        #expect(bench.binding("b")?.previous == nil)
        #expect(bench.kinds(from: "b", to: "a").last == .flowsAck)
    }

    @Test func `a router without flows of the host forgets it after a while`() {
        var bench = RoamingBench("a", "b")
        bench.attach("a")
        bench.attach("b")
        #expect(bench.place("a") == "b")
        bench.wait(.milliseconds(2999))
        #expect(bench.binding("a")?.isAsked == true)
        bench.wait(.milliseconds(2))
        #expect(bench.binding("a") == nil)
        #expect(bench.binding("b")?.anchors == ["a"], "what is on its way is taken a moment longer")
        bench.wait(.seconds(3))
        #expect(bench.binding("b")?.anchors == [])
    }

    @Test func `flows of a third router are held back until it knows where the host is`() {
        var bench = RoamingBench("a", "b", "c")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.attach("b")
        bench.flows["b"] = ["a", "b"]
        bench.isHolding = true
        bench.attach("c")
        bench.deliverNext()  // To a.
        bench.deliverNext()  // To b, which grants.
        let sending = bench.actions["b", default: []].compactMap { action -> Set<String>? in
            if case .sendFlows(_, _, "c", let anchors, _) = action { anchors } else { nil }
        }
        #expect(sending == [["b"]])
        bench.isHolding = false
        bench.deliver()
        #expect(bench.flows["c"] == ["a", "b"])
        #expect(bench.place("a") == "c")
        #expect(bench.binding("a")?.alsoAcceptedFrom == ["b"])
        bench.wait(.seconds(4))
        #expect(bench.binding("a")?.alsoAcceptedFrom == [])
        #expect(bench.binding("c")?.anchors == ["a", "b"])
    }

    @Test func `a third router that doesn't answer holds its flows back for a second only`() {
        var bench = RoamingBench("a", "b", "c")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.attach("b")
        bench.isHolding = true
        bench.attach("c")
        while !bench.onTheWay.isEmpty {
            if bench.onTheWay[0].to == "a" { bench.onTheWay.removeFirst() } else { bench.deliverNext() }
        }
        #expect(bench.binding("c")?.previous == "b")
        bench.isHolding = false
        bench.wait(.seconds(1))
        #expect(bench.binding("c")?.previous == nil)
        #expect(bench.flows["c"] == ["a"])
    }

    @Test func `a host that comes back is asked for where it went, and its flows are here again`() {
        var bench = RoamingBench("a", "b", "c")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.attach("b")
        bench.wait(.seconds(10))
        bench.sent = []
        bench.attach("a")
        #expect(bench.kinds(from: "a", to: "c") == [])
        #expect(bench.place("a") == "a")
        #expect(bench.binding("a")?.epoch == 3)
        bench.wait(.seconds(4))
        #expect(bench.binding("b") == nil)
        #expect(bench.flows["a"] == ["a"])
        bench.wait(.seconds(4))
        #expect(bench.binding("a")?.anchors == [])
    }

    @Test func `of a host that moves on before its table has come, each router sends its own to where it is`() {
        var bench = RoamingBench("a", "b", "c")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.isHolding = true
        bench.attach("b")
        while bench.place("b") != "b" { bench.deliverNext() }
        bench.flows["b"] = ["b"]
        bench.onTheWay.removeAll { if case .flows = $0.message { true } else { false } }
        bench.attach("c")
        while bench.place("c") != "c" { bench.deliverNext() }
        #expect(bench.binding("c")?.previous == "b")
        #expect(bench.binding("b")?.previous == "a")
        bench.isHolding = false
        bench.deliver()
        #expect(bench.flows["c"] == ["a", "b"])
        #expect(bench.binding("c")?.previous == nil)
        #expect(bench.place("a") == "c")
    }

    @Test func `a host that goes back and forth faster than its table ends up with all of it, without circles`() {
        var bench = RoamingBench("a", "b", "c")
        bench.attach("c")
        bench.flows["c"] = ["c"]
        bench.isHolding = true
        for name in ["a", "b", "a", "b", "a"] {
            bench.attach(name)
            while bench.place(name) != name { bench.deliverNext() }
            bench.flows[name, default: []].insert(name)
            // The chain of questions ends, and meets nobody twice.
            var asked = [name]
            while let next = bench.binding(asked.last!)?.previous, asked.count < 5 {
                #expect(!asked.contains(next), "\(asked) \(next)")
                asked.append(next)
            }
            bench.onTheWay.removeAll { if case .flows = $0.message { true } else { false } }
        }
        bench.isHolding = false
        bench.deliver()
        // What was lost has gone with its sessions.
        for (a, b) in [("a", "b"), ("a", "c"), ("b", "c")] {
            bench.disconnect(a, b)
            bench.connect(a, b)
        }
        bench.wait(.seconds(10))
        #expect(bench.flows["a"] == ["a", "b", "c"])
        for name in ["a", "b", "c"] { #expect(bench.place(name) == "a") }
        #expect(bench.binding("a")?.previous == nil)
        #expect(bench.binding("b")?.isAsked == false)
    }

    @Test func `an untranslated host is anchored as a whole where it was first`() {
        var bench = RoamingBench("a", "b", "c") { $0.translated = [] }
        bench.attach("a")
        bench.attach("b")
        #expect(bench.binding("b")?.previous == "a")
        #expect(bench.binding("b")?.anchors == ["a"])
        bench.attach("c")
        #expect(bench.binding("c")?.previous == "a")
        #expect(bench.place("a") == "c")
        bench.wait(.seconds(4))
        #expect(bench.binding("b") == nil)
        #expect(bench.place("a") == "c")
        bench.attach("a")
        #expect(bench.place("a") == "a")
        #expect(bench.binding("a")?.previous == nil)
        bench.wait(.seconds(4))
        #expect(bench.binding("c") == nil)
    }

    @Test func `a host that is silent for too long is nowhere, and its anchors know`() {
        var bench = RoamingBench("a", "b")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.attach("b")
        bench.wait(.seconds(5))
        bench.handle("b", .silent(host))
        for name in ["a", "b"] {
            #expect(bench.binding(name) == nil)
            #expect(bench.routers[name]?.hostCount == 0)
        }
    }

    @Test func `the last handovers are there to be looked at`() {
        var bench = RoamingBench("a", "b") { $0.handoverLimit = 2 }
        for name in ["a", "b", "a", "b"] {
            bench.attach(name)
            bench.wait(.milliseconds(10))
        }
        let handovers = bench.routers["b"]!.handovers
        #expect(handovers.map(\.to) == ["a", "b"])
        #expect(handovers.last?.epoch == 4)
        #expect(handovers.last?.finished != nil)
    }
}

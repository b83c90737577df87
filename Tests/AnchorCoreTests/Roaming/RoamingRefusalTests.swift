import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

/// What nobody may make a router do (T3, T4, T5, T14).
@Suite struct RoamingRefusalTests {
    private let host = RoamingBench.host
    private let shared = RoamingHost(RoamingBench.host)

    /// `a` is the anchor, `b` has the host, `c` has nothing to do with it.
    private func moved() -> RoamingBench {
        var bench = RoamingBench("a", "b", "c")
        bench.attach("a")
        bench.flows["a"] = ["a"]
        bench.attach("b")
        bench.wait(.seconds(10))
        return bench
    }

    @Test func `only the router that has a host says where it goes`() {
        var bench = moved()
        bench.handle("a", .message(.moved(Moved(host: shared, epoch: 9, to: "c", pending: [])), from: "c"))
        #expect(bench.place("a") == "b")
        #expect(bench.refusals("a") == [.notItsPlace])
    }

    @Test func `a move that was overtaken changes nothing`() {
        var bench = moved()
        for epoch in [UInt32(1), 2] {
            bench.handle("a", .message(.moved(Moved(host: shared, epoch: epoch, to: "c", pending: [])), from: "b"))
            #expect(bench.place("a") == "b")
        }
    }

    @Test func `nobody moves a host to a router that isn't configured`() {
        var bench = moved()
        bench.handle("a", .message(.moved(Moved(host: shared, epoch: 9, to: "x", pending: [])), from: "b"))
        #expect(bench.place("a") == "b")
        #expect(bench.refusals("a") == [.stranger])
    }

    @Test func `who isn't configured is not listened to`() {
        var bench = moved()
        bench.handle("a", .message(.gone(HostEpoch(host: shared, epoch: 9)), from: "x"))
        #expect(bench.place("a") == "b")
        #expect(bench.refusals("a") == [.stranger])
    }

    @Test func `a grant that nobody asked for gives nothing`() {
        var bench = moved()
        let grant = Grant(host: shared, epoch: 2, anchors: ["c"], pending: ["c"])
        bench.handle("b", .message(.grant(grant), from: "c"))
        #expect(bench.binding("b")?.anchors == ["a"])
        #expect(bench.refusals("b") == [.unasked])
        bench.handle("c", .message(.grant(grant), from: "b"))
        #expect(bench.routers["c"]?.hostCount == 0)
    }

    @Test func `flows are taken only from a router whose table is waited for, in their order and of this epoch`() {
        var bench = moved()
        let flows = Flows(host: shared, epoch: 2, number: 0, isLast: true, anchors: ["c"], flows: [])
        bench.handle("b", .message(.flows(flows), from: "c"))
        bench.handle("b", .message(.flows(flows), from: "a"))
        #expect(bench.refusals("b") == [.unexpectedFlows, .unexpectedFlows])
        #expect(bench.flows["b"] == ["a"])
        bench.isHolding = true
        bench.attach("c")
        while bench.place("c") != "c" { bench.deliverNext() }
        for (epoch, number) in [(2, 0), (3, 1), (4, 0)] as [(UInt32, UInt32)] {
            let flows = Flows(host: shared, epoch: epoch, number: number, isLast: true, anchors: ["b"], flows: [])
            bench.handle("c", .message(.flows(flows), from: "b"))
        }
        #expect(bench.refusals("c") == [.unexpectedFlows, .unexpectedFlows, .unexpectedFlows])
    }

    @Test func `only a router with flows of a host lets go of it`() {
        var bench = moved()
        bench.handle("b", .message(.release(HostEpoch(host: shared, epoch: 2)), from: "c"))
        #expect(bench.binding("b")?.anchors == ["a"])
        #expect(bench.flows["b"] == ["a"])
    }

    @Test func `only the router that has a host says that it is nowhere`() {
        var bench = moved()
        bench.handle("a", .message(.gone(HostEpoch(host: shared, epoch: 9)), from: "c"))
        #expect(bench.place("a") == "b")
        bench.handle("a", .message(.gone(HostEpoch(host: shared, epoch: 1)), from: "b"))
        #expect(bench.place("a") == "b")
    }

    @Test func `another station doesn't take over an address that is in use`() {
        var bench = moved()
        let other = Neighbour(mac: MACAddress("02:00:00:00:00:66")!, interface: InterfaceID(1))
        bench.attach("c", other)
        #expect(bench.place("b") == "b")
        #expect(bench.actions["c"]?.contains(.refuse(host)) == true)
        bench.wait(.seconds(50))
        bench.handle("b", .seen([HostActivity(address: host, lastSeen: bench.now)]))
        bench.wait(.seconds(59))
        bench.attach("c", other)
        #expect(bench.place("b") == "b")
        bench.wait(.seconds(1))
        bench.attach("c", other)
        #expect(bench.place("b") == "c")
    }

    @Test func `a claim can't use up the epochs of a host`() {
        var bench = moved()
        let claim = Claim(host: shared, knownEpoch: .max, age: 0, mac: RoamingBench.station)
        bench.handle("b", .message(.claim(claim), from: "c"))
        #expect(
            bench.sent.contains {
                $0.message == .grant(Grant(host: shared, epoch: 3, anchors: ["a", "b"], pending: ["b"]))
            })
    }

    @Test func `peers make no router know a host, and there are as many as may be`() {
        var bench = RoamingBench("a", "b") { $0.hostLimit = 2 }
        for message: RoamingMessage in [
            .claim(Claim(host: shared, knownEpoch: 0, age: 0, mac: RoamingBench.station)),
            .grant(Grant(host: shared, epoch: 1, anchors: ["b"], pending: ["b"])), .unknown(Unknown(host: shared)),
            .held(Held(host: shared, epoch: 1, age: 0)),
            .moved(Moved(host: shared, epoch: 1, to: "b", pending: [])),
            .movedAck(HostEpoch(host: shared, epoch: 1)),
            .flows(Flows(host: shared, epoch: 1, number: 0, isLast: true, anchors: [], flows: [])),
            .flowsAck(HostEpoch(host: shared, epoch: 1)), .release(HostEpoch(host: shared, epoch: 1)),
            .releaseAck(HostEpoch(host: shared, epoch: 1)), .gone(HostEpoch(host: shared, epoch: 1)),
        ] {
            bench.handle("a", .message(message, from: "b"))
            #expect(bench.routers["a"]?.hostCount == 0)
        }
        for number in 1...3 as ClosedRange<UInt32> {
            bench.handle("a", .attached(IPAddress(v4: 0x0a01_0000 + number), RoamingBench.neighbour))
        }
        #expect(bench.routers["a"]?.hostCount == 2)
        #expect(bench.actions["a"]?.contains(.refuse(IPAddress(v4: 0x0a01_0003))) == true)
    }

    @Test func `any message at any time breaks nothing`() {
        var random = SeededRandom(seed: 5)
        func pick<T>(_ choices: [T]) -> T { choices[Int(random.next() % UInt64(choices.count))] }
        var bench = RoamingBench("a", "b", "c")
        for _ in 0..<20_000 {
            let epoch: UInt32 = pick([1, 2, 3, 7, .max])
            let names = [[], ["a"], ["b", "a"], ["c"], ["a", "b", "c"], ["x"]]
            let message: RoamingMessage = pick([
                .claim(Claim(host: shared, knownEpoch: epoch, age: pick([0, 9, .max]), mac: RoamingBench.station)),
                .grant(Grant(host: shared, epoch: epoch, anchors: pick(names), pending: pick(names))),
                .unknown(Unknown(host: shared)), .held(Held(host: shared, epoch: epoch, age: 0)),
                .moved(Moved(host: shared, epoch: epoch, to: pick(["a", "b", "c"]), pending: pick(names))),
                .movedAck(HostEpoch(host: shared, epoch: epoch)),
                .flows(Flows(host: shared, epoch: epoch, number: 0, isLast: true, anchors: pick(names), flows: [])),
                .flowsAck(HostEpoch(host: shared, epoch: epoch)),
                .release(HostEpoch(host: shared, epoch: epoch)),
                .releaseAck(HostEpoch(host: shared, epoch: epoch)), .gone(HostEpoch(host: shared, epoch: epoch)),
            ])
            bench.handle("a", .message(message, from: pick(["b", "c"])))
            bench.onTheWay = []
            bench.sent = []
            switch random.next() % 40 {
            case 0: bench.attach("a")
            case 1: bench.handle("a", .down(pick(["b", "c"])))
            case 2: bench.handle("a", .up(pick(["b", "c"])))
            case 3: bench.handle("a", .silent(host))
            case 4: bench.handle("a", .flowsEnded(host))
            case 5: bench.wait(.milliseconds(Int(random.next() % 4000)))
            default: break
            }
        }
        #expect(bench.routers["a"]!.hostCount <= 1)
    }
}

import AnchorDataPlane
import NetworkTypes
import Testing

@testable import AnchorDaemon

private func mac(_ last: UInt64) -> MACAddress { MACAddress(bits: 0x0200_0000_0000 | last) }

/// Legs at ports 1 and 2 for number 0, 3 and 4 for number 1, with MACs of those numbers.
private func server(
    _ name: String, _ number: UInt32, areLegsUp: Bool = true, isMarkedDown: Bool = false,
    _ whenDown: ServerSettings.WhenDown = .bypass
) -> ServerPlan.Server {
    let (inside, outside) = (2 * number + 1, 2 * number + 2)
    return .init(
        name: name, legs: .two(inside: inside, mac(UInt64(inside)), outside: outside, mac(UInt64(outside))),
        whenDown: whenDown, areLegsUp: areLegsUp, isMarkedDown: isMarkedDown)
}

struct ServerPlanTests {
    @Test func `a server with two legs is entered inside on the way up and outside on the way down`() {
        let plan = ServerPlan(chains: [["fw"]], servers: [server("fw", 0)])
        #expect(plan.chains == [.through(up: .station(mac(2), port: 1), down: .station(mac(1), port: 2))])
        #expect(plan.nextUp.isEmpty && plan.nextDown.isEmpty)
    }

    @Test func `what comes out of a server enters the next one`() {
        let plan = ServerPlan(chains: [["fw", "cache"]], servers: [server("fw", 0), server("cache", 1)])
        #expect(plan.chains == [.through(up: .station(mac(2), port: 1), down: .station(mac(3), port: 4))])
        // Up: out of the firewall's outside leg, into the cache's inside leg.
        #expect(plan.nextUp == [2: .station(mac(4), port: 3)])
        // Down: out of the cache's inside leg, into the firewall's outside leg.
        #expect(plan.nextDown == [3: .station(mac(1), port: 2)])
    }

    @Test func `a server that is down is bypassed, and its neighbours are joined`() {
        let servers = [server("a", 0), server("b", 1, areLegsUp: false), server("c", 2)]
        let plan = ServerPlan(chains: [["a", "b", "c"]], servers: servers)
        #expect(plan.chains == [.through(up: .station(mac(2), port: 1), down: .station(mac(5), port: 6))])
        #expect(plan.nextUp == [2: .station(mac(6), port: 5)])
        #expect(ServerPlan(chains: [["b"]], servers: servers).chains == [.bypass])
    }

    @Test func `flows of a server that is down are refused where that is asked for`() {
        let servers = [server("a", 0), server("b", 1, areLegsUp: false, .refuse)]
        #expect(ServerPlan(chains: [["a", "b"], ["a"]], servers: servers).chains.first == .refuse)
        #expect(ServerPlan(chains: [["a", "b"], ["a"]], servers: servers).chains.last != .refuse)
    }

    @Test func `a mark of the operator does what a lost link does, and does not need one`() {
        for whenDown in ServerSettings.WhenDown.allCases {
            let plans = [(false, false), (true, true), (false, true)].map { areLegsUp, isMarkedDown in
                let servers = [
                    server("a", 0), server("b", 1, areLegsUp: areLegsUp, isMarkedDown: isMarkedDown, whenDown),
                    server("c", 2),
                ]
                return ServerPlan(chains: [["a", "b", "c"], ["b"], ["a"]], servers: servers)
            }
            for plan in plans {
                #expect(plan.chains == plans[0].chains)
                #expect(plan.nextUp == plans[0].nextUp && plan.nextDown == plans[0].nextDown)
            }
            #expect(plans[0].chains[1] == (whenDown == .bypass ? .bypass : .refuse))
        }
        #expect(server("b", 1).isUp)
    }

    @Test func `a server with one leg is entered by it from both sides`() throws {
        let hop = NextHop.neighbour(try #require(IPAddress("10.200.1.2")), port: 7)
        let plan = ServerPlan(
            chains: [["fw"]],
            servers: [
                .init(name: "fw", legs: .one(7, hop), whenDown: .bypass, areLegsUp: true, isMarkedDown: false)
            ])
        #expect(plan.chains == [.through(up: hop, down: hop)])
    }
}

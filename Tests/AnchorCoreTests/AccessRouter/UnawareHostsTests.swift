import NetworkTypes
import Testing

@testable import AnchorCore

@Suite struct UnawareHostsTests {
    private let link = InterfaceID(1)
    private let other = InterfaceID(2)

    private func hosts(limit: Int = 2) -> UnawareHosts {
        let block = IPPrefix("10.1.0.0/24")!
        func made(_ interface: InterfaceID, _ chain: String?) -> UnawareHosts.Link {
            UnawareHosts.Link(
                interface: interface, blocks: [block, IPPrefix("fd01::/64")!],
                gateways: [IPAddress("10.1.0.1")!, IPAddress("fd01::1")!], chain: chain)
        }
        return UnawareHosts(
            [made(link, "fw1"), made(other, nil)], limit: limit, patience: .seconds(60), inactivity: .seconds(600))
    }

    private func station(_ number: UInt64, on interface: InterfaceID? = nil) -> Neighbour {
        Neighbour(mac: MACAddress(bits: 0x0200_0000_0000 | number), interface: interface ?? link)
    }

    private func at(_ seconds: Int) -> MonotonicInstant { MonotonicInstant(nanoseconds: Int64(seconds) * 1_000_000_000) }

    private func address(_ text: String) -> IPAddress { IPAddress(text)! }

    @Test(arguments: ["10.1.0.7", "fd01::7"])
    func `who sends from an address that needs no lease is let in where it is`(_ text: String) throws {
        var hosts = hosts()
        guard case .letIn(let binding) = hosts.see(address(text), from: station(1), at: at(0)) else {
            Issue.record("not let in")
            return
        }
        #expect(binding.address == address(text))
        #expect(binding.location == .attached(station(1)))
        #expect(binding.chain == "fw1")
        #expect(binding.isUnaware)
        #expect(hosts.see(address(text), from: station(1), at: at(0)) == .known)
    }

    @Test(arguments: ["10.2.0.7", "10.1.0.1", "10.1.0.0", "10.1.0.255", "fd01::1", "fd02::7"])
    func `an address that no host can have there is refused`(_ text: String) {
        var hosts = hosts()
        #expect(hosts.see(address(text), from: station(1), at: at(0)) == .refuse(.address))
        #expect(hosts.isEmpty)
    }

    @Test(arguments: [UInt64(0), 0x0100_5e00_0001, 0xffff_ffff_ffff])
    func `a frame from no station's address lets nobody in`(_ mac: UInt64) {
        var hosts = hosts()
        let neighbour = Neighbour(mac: MACAddress(bits: mac), interface: link)
        #expect(hosts.see(address("10.1.0.7"), from: neighbour, at: at(0)) == .refuse(.address))
    }

    @Test func `on a link that isn't configured so nobody is let in`() {
        var hosts = hosts()
        let decision = hosts.see(address("10.1.0.7"), from: station(1, on: InterfaceID(9)), at: at(0))
        #expect(decision == .refuse(.address))
    }

    @Test func `an address in use isn't taken over by another station until its own has been silent`() {
        var hosts = hosts()
        _ = hosts.see(address("10.1.0.7"), from: station(1), at: at(0))
        #expect(hosts.see(address("10.1.0.7"), from: station(2), at: at(59)) == .refuse(.occupied))
        hosts.note([HostActivity(address: address("10.1.0.7"), lastSeen: at(50))])
        #expect(hosts.see(address("10.1.0.7"), from: station(2), at: at(109)) == .refuse(.occupied))
        guard case .move(let binding) = hosts.see(address("10.1.0.7"), from: station(2), at: at(110)) else {
            Issue.record("not moved")
            return
        }
        #expect(binding.location == .attached(station(2)))
        #expect(hosts.see(address("10.1.0.7"), from: station(1), at: at(111)) == .refuse(.occupied))
    }

    @Test func `a station that comes up on another link of the router takes its address along at once`() {
        var hosts = hosts()
        _ = hosts.see(address("10.1.0.7"), from: station(1), at: at(0))
        guard case .move(let binding) = hosts.see(address("10.1.0.7"), from: station(1, on: other), at: at(1)) else {
            Issue.record("not moved")
            return
        }
        #expect(binding.location == .attached(station(1, on: other)))
        #expect(binding.chain == nil)
    }

    @Test func `a station has no more addresses than it may, and others still get theirs`() {
        var hosts = hosts(limit: 2)
        for text in ["10.1.0.7", "10.1.0.8"] { _ = hosts.see(address(text), from: station(1), at: at(0)) }
        #expect(hosts.see(address("10.1.0.9"), from: station(1), at: at(0)) == .refuse(.quota))
        guard case .letIn = hosts.see(address("10.1.0.9"), from: station(2), at: at(0)) else {
            Issue.record("not let in")
            return
        }
        // One that it gives up makes room.
        #expect(hosts.delete(address("10.1.0.7")))
        guard case .letIn = hosts.see(address("10.1.0.10"), from: station(1), at: at(0)) else {
            Issue.record("not let in")
            return
        }
    }

    @Test func `a host that was silent for too long is forgotten, and only that one`() {
        var hosts = hosts()
        _ = hosts.see(address("10.1.0.7"), from: station(1), at: at(0))
        _ = hosts.see(address("10.1.0.8"), from: station(2), at: at(0))
        hosts.note([HostActivity(address: address("10.1.0.8"), lastSeen: at(300))])
        #expect(hosts.expire(at: at(599)).isEmpty)
        #expect(hosts.expire(at: at(600)) == [address("10.1.0.7")])
        #expect(!hosts.holds(address("10.1.0.7")))
        #expect(hosts.holds(address("10.1.0.8")))
        #expect(hosts.expire(at: at(900)) == [address("10.1.0.8")])
        #expect(hosts.isEmpty)
    }

    @Test func `after a restart a host is who it was, and one without a place any more is left out`() {
        var hosts = hosts()
        #expect(hosts.adopt(address("10.1.0.7"), station(1), at: at(0)))
        #expect(!hosts.adopt(address("10.9.0.7"), station(1), at: at(0)))
        #expect(hosts.see(address("10.1.0.7"), from: station(1), at: at(1)) == .known)
        #expect(hosts.see(address("10.1.0.7"), from: station(2), at: at(1)) == .refuse(.occupied))
    }
}

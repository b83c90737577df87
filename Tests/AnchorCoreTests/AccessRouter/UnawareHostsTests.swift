import NetworkTypes
import Testing

@testable import AnchorCore

/// What is asked in an expectation can't be asked of a variable.
private final class Table {
    private var hosts: UnawareHosts

    init(_ hosts: UnawareHosts) { self.hosts = hosts }

    var isEmpty: Bool { hosts.isEmpty }
    func holds(_ address: IPAddress) -> Bool { hosts.holds(address) }
    func adopt(_ address: IPAddress, _ neighbour: Neighbour, at now: MonotonicInstant) -> Bool {
        hosts.adopt(address, neighbour, at: now)
    }
    func see(_ address: IPAddress, from neighbour: Neighbour, at now: MonotonicInstant) -> UnawareHosts.Decision {
        hosts.see(address, from: neighbour, at: now)
    }
    func note(_ activity: [HostActivity]) { hosts.note(activity) }
    func expire(at now: MonotonicInstant) -> [IPAddress] { hosts.expire(at: now) }
    func delete(_ address: IPAddress) -> Bool { hosts.delete(address) }
}

@Suite struct UnawareHostsTests {
    private let link = InterfaceID(1)
    private let other = InterfaceID(2)

    private func hosts(limit: Int = 2) -> Table {
        let block = IPPrefix("10.1.0.0/24")!
        func made(_ interface: InterfaceID, _ chain: String?) -> UnawareHosts.Link {
            UnawareHosts.Link(
                interface: interface, blocks: [block, IPPrefix("fd01::/64")!],
                gateways: [IPAddress("10.1.0.1")!, IPAddress("fd01::1")!], chain: chain)
        }
        return Table(
            UnawareHosts(
                [made(link, "fw1"), made(other, nil)], limit: limit, patience: .seconds(60),
                inactivity: .seconds(600)))
    }

    private func station(_ number: UInt64, on interface: InterfaceID? = nil) -> Neighbour {
        Neighbour(mac: MACAddress(bits: 0x0200_0000_0000 | number), interface: interface ?? link)
    }

    private func at(_ seconds: Int) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(seconds) * 1_000_000_000)
    }

    private func address(_ text: String) -> IPAddress { IPAddress(text)! }

    @Test(arguments: ["10.1.0.7", "fd01::7"])
    func `who sends from an address that needs no lease is let in where it is`(_ text: String) throws {
        let hosts = hosts()
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
        let hosts = hosts()
        #expect(hosts.see(address(text), from: station(1), at: at(0)) == .refuse(.address))
        #expect(hosts.isEmpty)
    }

    @Test(arguments: [UInt64(0), 0x0100_5e00_0001, 0xffff_ffff_ffff])
    func `a frame from no station's address lets nobody in`(_ mac: UInt64) {
        let hosts = hosts()
        let neighbour = Neighbour(mac: MACAddress(bits: mac), interface: link)
        #expect(hosts.see(address("10.1.0.7"), from: neighbour, at: at(0)) == .refuse(.address))
    }

    @Test func `on a link that isn't configured so nobody is let in`() {
        let hosts = hosts()
        let decision = hosts.see(address("10.1.0.7"), from: station(1, on: InterfaceID(9)), at: at(0))
        #expect(decision == .refuse(.address))
    }

    @Test func `an address in use isn't taken over by another station until its own has been silent`() {
        let hosts = hosts()
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
        let hosts = hosts()
        _ = hosts.see(address("10.1.0.7"), from: station(1), at: at(0))
        guard case .move(let binding) = hosts.see(address("10.1.0.7"), from: station(1, on: other), at: at(1)) else {
            Issue.record("not moved")
            return
        }
        #expect(binding.location == .attached(station(1, on: other)))
        #expect(binding.chain == nil)
    }

    @Test func `a station has no more addresses than it may, and others still get theirs`() {
        let hosts = hosts(limit: 2)
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
        let hosts = hosts()
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
        let hosts = hosts()
        #expect(hosts.adopt(address("10.1.0.7"), station(1), at: at(0)))
        #expect(!hosts.adopt(address("10.9.0.7"), station(1), at: at(0)))
        #expect(hosts.see(address("10.1.0.7"), from: station(1), at: at(1)) == .known)
        #expect(hosts.see(address("10.1.0.7"), from: station(2), at: at(1)) == .refuse(.occupied))
    }
}

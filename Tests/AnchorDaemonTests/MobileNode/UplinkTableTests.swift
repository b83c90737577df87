import AnchorCore
import Netlink
import NetworkTypes
import Testing

@testable import AnchorDaemon

struct UplinkTableTests {
    let wlan = InterfaceID(1)
    let modem = InterfaceID(2)
    let mac = MACAddress("02:00:00:00:00:01")!

    func link(
        _ name: String = "wlan0", index: InterfaceIndex = 7, carrier: Bool = true, changes: UInt32 = 0,
        mac: MACAddress? = nil
    ) -> Link {
        Link(
            index: index, name: name, mac: mac ?? self.mac, mtu: 1500, flags: carrier ? [.up, .lowerUp] : .up,
            operationalState: carrier ? .up : .down, carrierChanges: changes)
    }

    func table() -> UplinkTable { UplinkTable([wlan: "wlan0", modem: "wwan0"]) }

    /// Events as text, since they hold datagrams and are not comparable.
    func words(_ events: [MobileNodeEvent]) -> [String] {
        events.map {
            switch $0 {
            case .linkUp(let id, let mac): "up \(id.number) \(mac)"
            case .linkDown(let id): "down \(id.number)"
            case .routerUnreachable(let id): "unreachable \(id.number)"
            default: "other"
            }
        }
    }

    @Test func `an uplink that has a carrier at the start is up, another interface is nobody's business`() {
        var table = table()
        #expect(words(table.refresh([link(), link("eth0", index: 3)])) == ["up 1 \(mac)"])
        #expect(table.index(of: wlan) == 7)
        #expect(table.index(of: modem) == nil)
    }

    @Test func `carrier lost and found is down and up, repeated news is nothing`() {
        var table = table()
        _ = table.refresh([link()])
        #expect(words(table.handle(.link(link()))) == [])
        #expect(words(table.handle(.link(link(carrier: false, changes: 1)))) == ["down 1"])
        #expect(words(table.handle(.link(link(carrier: false, changes: 1)))) == [])
        #expect(words(table.handle(.link(link(changes: 2)))) == ["up 1 \(mac)"])
    }

    @Test func `a flap that was over before anyone looked is a move all the same`() {
        var table = table()
        _ = table.refresh([link()])
        #expect(words(table.handle(.link(link(changes: 2)))) == ["down 1", "up 1 \(mac)"])
    }

    @Test func `a new MAC address is told as a link that came up`() {
        var table = table()
        _ = table.refresh([link()])
        let other = MACAddress("02:00:00:00:00:02")!
        #expect(words(table.handle(.link(link(mac: other)))) == ["up 1 \(other)"])
    }

    @Test func `an interface that vanishes is down, and up under its new number when it returns`() {
        var table = table()
        _ = table.refresh([link()])
        #expect(words(table.handle(.linkRemoved(link()))) == ["down 1"])
        #expect(table.index(of: wlan) == nil)
        #expect(words(table.handle(.link(link(index: 9)))) == ["up 1 \(mac)"])
        #expect(table.index(of: wlan) == 9)
    }

    @Test func `an interface that was made anew while changes were lost is down and up`() {
        var table = table()
        _ = table.refresh([link()])
        #expect(words(table.refresh([link(index: 9)])) == ["down 1", "up 1 \(mac)"])
        #expect(words(table.refresh([])) == ["down 1"])
    }

    @Test func `renaming takes the uplink away, and may give another`() {
        var table = table()
        _ = table.refresh([link()])
        #expect(words(table.handle(.link(link("wwan0")))) == ["down 1", "up 2 \(mac)"])
    }

    @Test func `only the router's own neighbour entry failing makes it unreachable`() {
        var table = table()
        _ = table.refresh([link()])
        let router = IPAddress("10.1.0.1")!
        table.setGateway(router, family: .v4, on: wlan)
        func failed(_ address: IPAddress, on index: InterfaceIndex = 7) -> NetlinkChange {
            .neighbour(Netlink.Neighbour(interface: index, address: address, mac: nil, state: .failed))
        }
        #expect(words(table.handle(failed(IPAddress("10.1.0.2")!))) == [])
        #expect(words(table.handle(failed(router, on: 8))) == [])
        #expect(words(table.handle(failed(router))) == ["unreachable 1"])
        table.setGateway(nil, family: .v4, on: wlan)
        #expect(words(table.handle(failed(router))) == [])
    }
}

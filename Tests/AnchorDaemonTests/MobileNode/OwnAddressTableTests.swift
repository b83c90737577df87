import AnchorCore
import AnchorDataPlane
import Netlink
import NetworkTypes
import Testing

@testable import AnchorDaemon

struct OwnAddressTableTests {
    let first = InterfaceID(0)
    let second = InterfaceID(1)
    let old = IPAddress("10.1.0.7")!
    let new = IPAddress("10.2.0.9")!
    let anchor = IPAddress("192.0.2.1")!
    let router = IPAddress("10.2.0.1")!
    let routerMAC = MACAddress("02:00:00:00:02:01")!
    let oldRouter = IPAddress("10.1.0.1")!
    let oldRouterMAC = MACAddress("02:00:00:00:01:01")!
    let plane = ModelDataPlane()

    /// Two uplinks, each with its router.
    func table() throws -> OwnAddressTable {
        let table = OwnAddressTable(plane, node: 5)
        for (id, name) in [(first, "wlan0"), (second, "wwan0")] {
            try table.setUplink(
                id,
                Link(
                    index: 10 + id.number, name: name, mac: MACAddress("02:00:00:00:00:0\(id.number)"), mtu: 1500,
                    flags: [.up, .lowerUp], operationalState: .up))
        }
        try table.setGateway(oldRouter, mac: oldRouterMAC, on: first)
        try table.setGateway(router, mac: routerMAC, on: second)
        return table
    }

    func entry(_ address: IPAddress) throws -> HostEntry { try #require(try plane.host(HostKey(address))) }

    func path(_ entry: HostEntry) throws -> PathEntry {
        let index = try #require(entry.tunnel).path
        return try #require(plane.paths.first { $0.index == index })
    }

    func tunnelled(_ kind: AnchorCore.TunnelKind = .ipInIP) -> AnchorBinding {
        AnchorBinding(
            address: old, anchor: anchor, endpoints: [anchor],
            path: .tunnelled(Tunnel(local: new, peer: anchor, kind: kind), second))
    }

    @Test func `an address at its own router goes plain`() throws {
        let table = try table()
        try table.install(AnchorBinding(address: old, anchor: anchor, endpoints: [anchor], path: .direct(first)))
        let found = try entry(old)
        #expect(found.isOwn)
        #expect(found.node == 5)
        #expect(found.tunnel == nil)
        #expect(found.attachment == HostAttachment(mac: oldRouterMAC, port: OwnAddressTable.port(of: first)))
    }

    @Test func `an address elsewhere goes through a tunnel from the care-of address by the new router`() throws {
        let table = try table()
        try table.install(tunnelled(.gre(key: 99, sequenced: true)))
        let found = try entry(old)
        #expect(found.attachment == nil)
        #expect(found.tunnel?.peer == anchor)
        #expect(found.tunnel?.kind == .gre(key: 99, sequenced: true))
        let path = try path(found)
        #expect(path.specification.nextHop == .neighbour(router, port: OwnAddressTable.port(of: second)))
        #expect(path.specification.encapsulation?.source == new)
        #expect(path.specification.encapsulation?.kind == .gre(sequenced: true))
        #expect(path.isResolved)
        #expect(path.mtu == 1500 - 32)
    }

    @Test func `a tunnel by an uplink without a router leaves by that uplink, and the kernel finds how`() throws {
        let table = try table()
        let third = InterfaceID(2)
        try table.setUplink(
            third,
            Link(
                index: 12, name: "wwan1", mac: MACAddress("02:00:00:00:00:02"), mtu: 1500, flags: [.up, .lowerUp],
                operationalState: .up))
        try table.install(
            AnchorBinding(
                address: old, anchor: anchor, endpoints: [anchor],
                path: .tunnelled(Tunnel(local: new, peer: anchor, kind: .ipInIP), third)))
        let path = try path(entry(old))
        #expect(path.specification.nextHop == .neighbour(anchor, port: OwnAddressTable.port(of: third)))
        #expect(!path.isResolved)
        #expect(path.mtu == 1500 - 20)
    }

    @Test func `both attachments in use keep both ways in one entry`() throws {
        let table = try table()
        let tunnel = Tunnel(local: new, peer: anchor, kind: .ipInIP)
        try table.install(
            AnchorBinding(
                address: old, anchor: anchor, endpoints: [anchor],
                path: .both(direct: first, tunnel, second, bicast: true)))
        let found = try entry(old)
        #expect(found.isBicast)
        #expect(found.attachment?.mac == oldRouterMAC)
        #expect(found.tunnel?.peer == anchor)
    }

    @Test func `a router that changes its MAC is followed on both ways`() throws {
        let table = try table()
        let tunnel = Tunnel(local: new, peer: anchor, kind: .ipInIP)
        try table.install(
            AnchorBinding(
                address: old, anchor: anchor, endpoints: [anchor],
                path: .both(direct: first, tunnel, second, bicast: false)))
        let other = MACAddress("02:00:00:00:0f:0f")!
        try table.setGateway(oldRouter, mac: other, on: first)
        #expect(try entry(old).attachment?.mac == other)
        try table.setGateway(router, mac: nil, on: second)
        #expect(try !path(entry(old)).isResolved, "the kernel finds it")
        try table.setGateway(router, mac: other, on: second)
        #expect(try path(entry(old)).isResolved)
    }

    @Test func `another router on the link of the care-of address takes over the tunnel`() throws {
        let table = try table()
        try table.install(tunnelled())
        let next = IPAddress("10.2.0.254")!
        try table.setGateway(next, mac: routerMAC, on: second)
        #expect(try path(entry(old)).specification.nextHop == .neighbour(next, port: OwnAddressTable.port(of: second)))
    }

    @Test func `a smaller MTU of the attachment leaves less room in the tunnel`() throws {
        let table = try table()
        try table.install(tunnelled())
        try table.setMTU(1400, of: second)
        #expect(try path(entry(old)).mtu == 1380)
    }

    @Test func `a narrower way to the anchor leaves less room, until it is forgotten`() throws {
        let table = try table()
        try table.install(tunnelled())
        try table.setMTU(1300, to: anchor)
        #expect(try path(entry(old)).mtu == 1280)
        try table.setMTU(nil, to: anchor)
        #expect(try path(entry(old)).mtu == 1480)
    }

    @Test func `connections begin with segments that fit every tunnel`() throws {
        let table = try table()
        #expect(plane.configuration.maximumSegmentV4 == 1500 - 52 - 40)
        #expect(plane.configuration.maximumSegmentV6 == 1500 - 52 - 60)
        try table.setMTU(1400, of: second)
        #expect(plane.configuration.maximumSegmentV4 == 1400 - 52 - 40)
    }

    @Test func `nowhere to go leaves in force what was`() throws {
        let table = try table()
        try table.install(tunnelled())
        let before = try entry(old)
        try table.install(AnchorBinding(address: old, anchor: anchor, endpoints: [anchor], path: .unreachable))
        #expect(try entry(old) == before)
        try table.remove(old)
        #expect(try plane.host(HostKey(old)) == nil)
    }

    @Test func `the anchor's endpoints may send for the address whatever its way, as long as it is there`() throws {
        let table = try table()
        func admitted() -> Set<IPAddress> { plane.admittedPeers(of: old) }
        func direct(_ endpoints: [IPAddress]) -> AnchorBinding {
            AnchorBinding(address: old, anchor: anchor, endpoints: endpoints, path: .direct(first))
        }
        try table.install(direct([anchor, router]))
        #expect(admitted() == [anchor, router])
        try table.install(direct([anchor]))
        #expect(admitted() == [anchor])
        try table.install(tunnelled())
        #expect(admitted() == [anchor])
        try table.remove(old)
        #expect(admitted().isEmpty)
    }

    @Test func `a modem without Ethernet has a port without MAC`() throws {
        let table = try table()
        try table.setUplink(
            second,
            Link(
                index: 30, name: "wwan0", mac: nil, mtu: 1430, flags: .up, operationalState: .up, isEthernet: false))
        #expect(plane.port(OwnAddressTable.port(of: second))?.mac == .zero)
        #expect(plane.port(OwnAddressTable.port(of: second))?.mtu == 1430)
    }
}

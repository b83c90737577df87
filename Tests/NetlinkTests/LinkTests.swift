import Glibc
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

@Suite(.inNamespaces)
struct LinkTests {
    @Test func `a link is found by name and by number and in the list, the same each time`() throws {
        let pair = try Pair()
        let link = try pair.nearSocket.link(named: "near0")
        #expect(try pair.nearSocket.link(index: link.index) == link)
        #expect(try pair.nearSocket.links().contains(link))
        #expect(link.kind == "veth")
        #expect(link.mac != nil)
        #expect(link.master == nil)
        #expect(try pair.nearSocket.link(named: "lo").flags.contains(.loopback))
    }

    @Test func `an unknown link is an error that names it`() throws {
        let socket = try NetlinkSocket(namespace: .anonymous())
        let error = #expect(throws: NetlinkError.self) { try socket.link(named: "nowhere0") }
        #expect(error?.code == ENODEV)
        #expect(error?.description.hasPrefix("cannot find link nowhere0: ENODEV: ") == true)
    }

    @Test func `MTU and MAC can be set, and what is not mentioned stays`() throws {
        let pair = try Pair()
        let mac = try #require(MACAddress("02:00:00:00:00:07"))
        let before = try pair.nearSocket.link(named: "near0")
        try pair.nearSocket.changeLink(before.index, mtu: 1400, mac: mac)
        let after = try pair.nearSocket.link(index: before.index)
        #expect(after.mtu == 1400)
        #expect(after.mac == mac)
        #expect(after.isUp)
    }

    @Test func `an MTU that the driver refuses is an error with the kernel's reason`() throws {
        let pair = try Pair()
        let index = try pair.nearIndex()
        let error = #expect(throws: NetlinkError.self) { try pair.nearSocket.changeLink(index, mtu: 1) }
        #expect(error?.code == EINVAL)
        #expect(error?.cause.contains("mtu less than device minimum") == true)
    }

    @Test func `a flap of the link is seen from both ends`() throws {
        let pair = try Pair()
        let monitor = try NetlinkMonitor(.links, namespace: pair.near)
        let index = try pair.nearIndex()
        let before = try pair.nearSocket.link(index: index).carrierChanges
        for isUp in [false, true] {
            try pair.farSocket.changeLink(pair.farIndex(), up: isUp)
            try monitor.first("carrier \(isUp)") { change in
                if case .link(let link) = change, link.index == index, link.hasCarrier == isUp { link } else { nil }
            }
            #expect(try pair.nearSocket.link(index: index).isUp, "still up as far as the administrator is concerned")
        }
        #expect(try pair.nearSocket.link(index: index).carrierChanges == before + 2)
    }

    @Test func `joining and leaving a bridge changes the master and is no removal`() throws {
        let pair = try Pair()
        try pair.near.command("ip", "link", "add", "br0", "type", "bridge")
        let monitor = try NetlinkMonitor(.links, namespace: pair.near)
        let index = try pair.nearIndex()
        let bridge = try pair.nearSocket.link(named: "br0")
        #expect(bridge.kind == "bridge")

        func awaitMaster(_ master: InterfaceIndex?) throws {
            try monitor.first("master \(String(describing: master))") { change in
                switch change {
                case .link(let link) where link.index == index && link.master == master: return true
                case .linkRemoved(let link):
                    Issue.record("reported as removed: \(link)")
                    return nil
                default: return nil
                }
            }
        }
        try pair.near.command("ip", "link", "set", "near0", "master", "br0")
        try awaitMaster(bridge.index)
        try pair.near.command("ip", "link", "set", "near0", "nomaster")
        try awaitMaster(nil)
    }

    @Test func `an interface that vanishes is reported by its number and name`() throws {
        let pair = try Pair()
        let monitor = try NetlinkMonitor(.links, namespace: pair.near)
        let index = try pair.nearIndex()
        try pair.far.command("ip", "link", "delete", "far0")
        let removed = try monitor.first("removal") { change in
            if case .linkRemoved(let link) = change { link } else { nil }
        }
        #expect(removed.index == index)
        #expect(removed.name == "near0")
    }
}

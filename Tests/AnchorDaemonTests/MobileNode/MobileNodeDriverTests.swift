import AnchorCore
import Foundation
import Glibc
import KernelTestSupport
import NamespaceTestSupport
import Netlink
import NetworkTypes
import Testing

@testable import AnchorDaemon

/// Rows A1, A2, A6 to A9 and A12 as far as the node itself goes: what it has configured, and what it sends.
@Suite(.inNamespaces, .kernel)
struct MobileNodeDriverTests {
    private func correspondent(_ family: AddressFamily) -> IPAddress {
        IPAddress(family == .v4 ? "198.51.100.5" : "2001:db8:5::5")!
    }

    /// A datagram socket from that address to the correspondent.
    private func flow(_ node: RoamingNode, from source: IPAddress?, _ family: AddressFamily) throws -> TestSocket {
        try TestSocket.connected(
            in: node.pair.near, .udp, to: correspondent(family), port: 4711, from: source)
    }

    private func capture(_ node: RoamingNode, _ uplink: Int) throws -> PacketCapture {
        try PacketCapture(in: node.pair.far, interface: node.pair.farSocket.link(named: "far\(uplink)").index)
    }

    @Test(arguments: AddressFamily.allCases)
    func `attached, flows go plain from the leased address`(family: AddressFamily) throws {
        let node = try RoamingNode()
        defer { node.stop() }
        try node.start()
        try node.plug(0, into: 0)
        let old = try node.address(from: 0, family)
        try node.awaitPath(of: old) { $0 == .direct(node.uplinks[0]) }
        let capture = try capture(node, 0)
        let flow = try flow(node, from: nil, family)
        try flow.send([1, 2, 3])
        try capture.first([IPHeaderPair(old, correspondent(family))])
        #expect(node.allRecords.keys.contains(old))
        #expect(node.allWarnings == [])
    }

    @Test(arguments: AddressFamily.allCases, [TunnelPreference.ipInIP, .gre(sequenced: true)])
    func `after a move old flows go through the tunnel and new ones plain, and the last to end releases the anchor`(
        family: AddressFamily, tunnel: TunnelPreference
    ) throws {
        let node = try RoamingNode(tunnel: tunnel)
        defer { node.stop() }
        try node.start()
        try node.plug(0, into: 0)
        let old = try node.address(from: 0, family)
        try node.awaitPath(of: old) { $0 == .direct(node.uplinks[0]) }
        var oldFlow: TestSocket? = try flow(node, from: nil, family)
        try oldFlow!.send([1])

        // The same interface, another link.
        try node.plug(2, into: 0)
        let new = try node.address(from: 2, family)
        try node.awaitPath(of: old) { if case .tunnelled = $0 { true } else { false } }
        let capture = try capture(node, 0)
        try oldFlow!.send([2])
        let anchor = RoamingNode.endpoint(0, family)
        try capture.first([IPHeaderPair(new, anchor), IPHeaderPair(old, correspondent(family))])
        let newFlow = try flow(node, from: nil, family)
        try newFlow.send([3])
        try capture.first([IPHeaderPair(new, correspondent(family))])
        let flows = try node.ask { try $0.flowTable() }
        #expect(flows.contains { $0.key.local == old && $0.key.remote == correspondent(family) })
        #expect(flows.contains { $0.key.local == new && $0.key.remote == correspondent(family) })

        oldFlow = nil
        try poll("release of \(old)") {
            try node.pair.nearSocket.addresses().contains { $0.address == old } ? nil : true
        }
        #expect(!node.allRecords.keys.contains(old))
        #expect(node.allRecords.keys.contains(new))
        #expect(node.allWarnings == [])
    }

    @Test(arguments: AddressFamily.allCases)
    func `a third link, and a return to the first`(family: AddressFamily) throws {
        let node = try RoamingNode(uplinks: 2)
        defer { node.stop() }
        try node.start()
        try node.plug(0, into: 0)
        let old = try node.address(from: 0, family)
        let oldFlow = try flow(node, from: old, family)
        try node.awaitPath(of: old) { $0 == .direct(node.uplinks[0]) }
        try node.plug(2, into: 0)
        let new = try node.address(from: 2, family)
        try node.awaitPath(of: old) { if case .tunnelled(let tunnel, _) = $0 { tunnel.local == new } else { false } }

        // The other interface takes over, the first one has no link any more.
        try node.plug(1, into: 1)
        let third = try node.address(from: 1, family)
        try node.plug(nil, into: 0)
        try node.awaitPath(of: old) { if case .tunnelled(let tunnel, _) = $0 { tunnel.local == third } else { false } }
        let capture = try capture(node, 1)
        try oldFlow.send([1])
        try capture.first([
            IPHeaderPair(third, RoamingNode.endpoint(0, family)), IPHeaderPair(old, correspondent(family)),
        ])

        try node.plug(0, into: 0)
        try node.awaitPath(of: old) { $0 == .direct(node.uplinks[0]) }
        let home = try self.capture(node, 0)
        try oldFlow.send([2])
        try home.first([IPHeaderPair(old, correspondent(family))])
        #expect(node.allWarnings == [])
    }

    /// What is sent plain goes to the neighbour that the kernel's route names, on whichever link the programs say.
    @Test(arguments: AddressFamily.allCases)
    func `what goes plain again on another link has its route before the programs send it there`(
        family: AddressFamily
    ) throws {
        let node = try RoamingNode(uplinks: 2)
        defer { node.stop() }
        try node.start()
        try node.plug(0, into: 0)
        let old = try node.address(from: 0, family)
        try node.awaitPath(of: old) { $0 == .direct(node.uplinks[0]) }
        try node.plug(1, into: 1)
        _ = try node.address(from: 1, family)
        try node.plug(nil, into: 0)
        try node.awaitPath(of: old) { if case .tunnelled = $0 { true } else { false } }

        var gateways: [IPAddress?] = []
        let kernel = try node.pair.near.run { try NetlinkSocket() }
        node.onInstall = { binding in
            guard binding.address == old, case .direct(node.uplinks[0]) = binding.path else { return }
            gateways.append((try? kernel.route(to: self.correspondent(family), from: old))?.gateway)
        }
        try node.plug(0, into: 0)
        try node.awaitPath(of: old) { $0 == .direct(node.uplinks[0]) }
        #expect(node.ask { _ in gateways }.first == RoamingNode.gateway(0, family))
    }

    @Test(arguments: AddressFamily.allCases)
    func `attached to both, copies go plain and through the tunnel`(family: AddressFamily) throws {
        let node = try RoamingNode(uplinks: 2, bicast: true)
        defer { node.stop() }
        try node.start()
        try node.plug(0, into: 0)
        let old = try node.address(from: 0, family)
        let oldFlow = try flow(node, from: old, family)
        try node.awaitPath(of: old) { $0 == .direct(node.uplinks[0]) }
        try node.plug(1, into: 1)
        let new = try node.address(from: 1, family)
        try node.awaitPath(of: old) { if case .both = $0 { true } else { false } }
        let captures = try (capture(node, 0), capture(node, 1))
        try oldFlow.send([1])
        try captures.0.first([IPHeaderPair(old, correspondent(family))])
        try captures.1.first([
            IPHeaderPair(new, RoamingNode.endpoint(0, family)), IPHeaderPair(old, correspondent(family)),
        ])
        #expect(node.allWarnings == [])
    }

    @Test func `nothing is left of it when it stops`() throws {
        let node = try RoamingNode()
        try node.start()
        try node.plug(0, into: 0)
        let address = try node.address(from: 0, .v4)
        try node.awaitPath(of: address) { $0 == .direct(node.uplinks[0]) }
        node.stop()
        #expect(try !node.pair.nearSocket.addresses().contains { $0.address == address })
        #expect(try !node.pair.nearSocket.routes().contains { $0.origin == .flowAnchor })
        #expect(try !node.pair.nearSocket.rules().contains { $0.from?.address == address })
        #expect(node.allRecords.isEmpty)
        #expect(node.allWarnings == [])
    }
}

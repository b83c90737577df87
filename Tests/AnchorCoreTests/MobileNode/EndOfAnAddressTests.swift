import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct EndOfAnAddressTests {
    let old = NodeBench.address(0)

    private func moved() throws -> NodeBench {
        var bench = try NodeBench()
        bench.attach(NodeBench.wlan, to: 0)
        bench.flows(1, of: old)
        bench.unplug(NodeBench.wlan)
        bench.attach(NodeBench.wlan, to: 1)
        bench.forget()
        return bench
    }

    @Test func `when the last flow of an anchor ended the anchor is released and the address removed`() throws {
        var bench = try moved()
        bench.wait(.seconds(60))
        #expect(bench.releases.isEmpty)
        bench.flows(0, of: old)
        bench.wait(.seconds(3))
        #expect(bench.releases == [old])
        #expect(bench.routers[0].hostCount == 0)
        #expect(bench.actions.contains(.removeAddress(old, NodeBench.wlan)))
        #expect(bench.actions.contains(.remove(old)))
        #expect(bench.actions.contains(.forget(old)))
        #expect(bench.node.nextDeadline.map { $0 > bench.now } == true)
    }

    @Test func `a flow that begins meanwhile keeps the anchor`() throws {
        var bench = try moved()
        bench.flows(0, of: old)
        bench.wait(.seconds(1))
        bench.flows(1, of: old)
        bench.wait(.seconds(10))
        #expect(bench.releases.isEmpty)
    }

    @Test func `an anchor that does not answer is given up after a while`() throws {
        var bench = try moved()
        bench.flows(0, of: old)
        bench.wait(.seconds(60), delivering: false)
        #expect(bench.releases.count >= 5)
        #expect(!bench.node.anchorTable.contains { $0.address == old })
    }

    @Test func `addresses are refreshed before they expire`() throws {
        var bench = try moved()
        bench.wait(.seconds(3000))
        #expect(bench.routers[0].host(old) != nil)
        #expect(bench.updates.count >= 4)
        #expect(bench.reports.isEmpty)
    }

    @Test func `a program that ends releases everything`() throws {
        var bench = try moved()
        bench.handle(.stop)
        bench.deliverAll()
        #expect(Set(bench.releases) == [old, NodeBench.address(1)])
        #expect(bench.routers.map(\.hostCount) == [0, 0, 0])
        #expect(bench.node.anchorTable.isEmpty)
        #expect(bench.node.nextDeadline == nil)
    }

    @Test func `an address that its anchor forgot is reported as lost`() throws {
        var bench = try moved()
        _ = bench.routers[0].handle(.delete(old), at: bench.now)
        _ = bench.routers[0].handle(.persisted(through: 99), at: bench.now)
        bench.wait(.seconds(600))
        let lost = bench.reports.contains { report in
            if case .anchorLost(old, ErrorCode.unknownAddress.rawValue, _) = report { true } else { false }
        }
        #expect(lost)
        #expect(bench.actions.contains(.removeAddress(old, NodeBench.wlan)))
    }

    @Test func `a program that starts anew keeps the anchors of its flows`() throws {
        var bench = try moved()
        let record = MobileNodeRecord(
            address: old, router: 1001, endpoints: [NodeBench.endpoint(0)], greKey: 1, interface: NodeBench.wlan)
        var configuration = NodeBench.configuration()
        configuration.epoch = 2
        bench.node = try MobileNode(configuration, restoring: [record])
        bench.flows(1, of: old)
        bench.attach(NodeBench.wlan, to: 2)
        #expect(bench.routers[0].host(old)?.careOfAddress == NodeBench.address(2))
    }

    @Test func `a program that forgot its epoch goes on above the one that its routers saw`() throws {
        var bench = try moved()
        var configuration = NodeBench.configuration()
        configuration.epoch = 1
        bench.node = try MobileNode(configuration)
        bench.attach(NodeBench.wlan, to: 1)
        bench.wait(.seconds(1))
        #expect(bench.node.anchorTable.map(\.router) == [1002])
        #expect(bench.actions.contains(.rememberEpoch(2)))
        #expect(bench.node.currentEpoch == 2)
    }

    @Test func `an error that nobody signed changes nothing`() throws {
        var bench = try NodeBench()
        bench.plug(NodeBench.wlan, into: 0)
        bench.deliverUpwards()
        bench.deliverDownwards()
        let reference = try #require(bench.sent.last).header.reference
        let forged = ErrorReply(inReplyTo: reference, code: .noAddress, text: "go away")
        let header = MessageHeader(spi: 0, epoch: 1, sequence: 9, sender: 1001, recipient: 0)
        bench.handle(
            .datagram(
                Datagram(
                    source: NodeBench.address(0, 1), sourcePort: AnchorMessage.port, destination: .anyV4,
                    interface: NodeBench.wlan, bytes: AnchorMessage(header, .error(forged)).encoded(with: nil))))
        #expect(bench.reports.contains(.refusalHeard(code: ErrorCode.noAddress.rawValue, text: "go away")))
        bench.deliverAll()
        #expect(bench.path(of: old) == .direct(NodeBench.wlan))
    }
}

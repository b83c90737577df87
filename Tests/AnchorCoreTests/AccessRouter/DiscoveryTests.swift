import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct DiscoveryTests {
    private func solicitation() -> [UInt8] {
        AnchorMessage(
            MessageHeader(spi: 0, epoch: 1, sequence: 1, sender: 1, recipient: 0), .solicit(Solicit())
        ).encoded(with: nil)
    }

    private func advertisements(_ bench: RouterBench) -> [(Advertise, OutgoingDatagram)] {
        bench.actions.compactMap { action in
            guard case .send(let datagram) = action, let opened = try? KeyRing().open(datagram.bytes, as: 1),
                case .advertise(let advertise) = opened.message.body
            else { return nil }
            return (advertise, datagram)
        }
    }

    @Test func `a solicitation is answered to the one who asked, and the answer is smaller`() throws {
        var bench = try RouterBench()
        bench.receive(solicitation(), from: IPAddress("fe80::7")!)
        let (advertise, datagram) = try #require(advertisements(bench).first)
        #expect(advertise.inReplyTo == MessageReference(epoch: 1, sequence: 1))
        #expect(advertise.endpoints == [RouterBench.endpoint, RouterBench.endpoint6])
        #expect(datagram.route == .neighbour(IPAddress("fe80::7")!, port: AnchorMessage.port, on: RouterBench.link))
        #expect(datagram.bytes.count < solicitation().count)
    }

    @Test func `a solicitation from the core is not answered`() throws {
        var bench = try RouterBench()
        bench.receive(solicitation(), from: IPAddress("198.51.100.1")!, on: nil)
        #expect(bench.actions.map(\.step) == [.report])
    }

    @Test func `a router makes itself known in both families, at its start and from then on`() throws {
        var bench = try RouterBench()
        bench.start()
        #expect(
            advertisements(bench).map(\.1.route)
                == [.allNodes(on: RouterBench.link, .v4), .allNodes(on: RouterBench.link, .v6)])
        bench.actions = []
        bench.wait(.seconds(30))
        #expect((14...28).contains(advertisements(bench).count))
    }

    @Test func `a link that is down is not advertised on`() throws {
        var bench = try RouterBench()
        bench.start()
        bench.handle(.link(RouterBench.link, isUp: false))
        bench.actions = []
        bench.wait(.seconds(30))
        #expect(bench.actions.isEmpty)
        bench.handle(.link(RouterBench.link, isUp: true))
        #expect(advertisements(bench).count == 2)
    }
}

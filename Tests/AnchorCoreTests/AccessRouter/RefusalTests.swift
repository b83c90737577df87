import AnchorCore
import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct RefusalTests {
    @Test func `a flood from one source is dropped before it costs anything, others are served`() throws {
        var configuration = RouterBench.configuration()
        configuration.rateLimit = RateLimit(perSecond: 10, burst: 5)
        var bench = try RouterBench(configuration)
        for _ in 0..<100 { bench.receive([1, 2, 3], from: IPAddress("198.51.100.1")!, on: nil) }
        let limited = bench.reports.count {
            $0 == .refused(node: nil, source: IPAddress("198.51.100.1")!, .rateLimited)
        }
        #expect(limited == 95)
        #expect(try bench.attach(1) != nil)
        bench.wait(.seconds(1))
        bench.actions = []
        bench.receive([1, 2, 3], from: IPAddress("198.51.100.1")!, on: nil)
        #expect(!bench.reports.contains(.refused(node: nil, source: IPAddress("198.51.100.1")!, .rateLimited)))
    }

    @Test func `a node without an address that floods its link leaves the others their share`() throws {
        var configuration = RouterBench.configuration()
        configuration.rateLimit = RateLimit(perSecond: 10, burst: 5)
        var bench = try RouterBench(configuration)
        let request = MessageBody.attachRequest(
            AttachRequest(linkAddress: MACAddress(bits: 0x02_0002), families: [.v4], lifetime: 0))
        for _ in 0..<100 { bench.receive(try bench.message(request, of: 2)) }
        #expect(bench.reports.contains(.refused(node: nil, source: .anyV4, .rateLimited)))
        #expect(try bench.attach(1) != nil)
    }

    @Test func `bytes that are no message are counted and have no effect`() throws {
        var bench = try RouterBench()
        bench.receive(Array(repeating: 0xff, count: 200), from: IPAddress("198.51.100.1")!, on: nil)
        #expect(bench.actions == [.report(.refused(node: nil, source: IPAddress("198.51.100.1")!, .malformed))])
    }

    @Test func `a message that was altered on its way is refused`() throws {
        var bench = try RouterBench()
        let address = try #require(try bench.attach(1)?.leases.first?.address)
        var bytes = try bench.message(.release(Release(address: address)), of: 1)
        bytes[60] ^= 1
        bench.actions = []
        bench.receive(bytes)
        #expect(bench.reports == [.refused(node: nil, source: .anyV4, .badAuthenticator)])
        #expect(bench.machine.hostCount == 1)
    }

    @Test func `the refusal of somebody unknown is a hint without an authenticator, no larger than the question`()
        throws
    {
        var bench = try RouterBench()
        let header = MessageHeader(spi: 77, epoch: 1, sequence: 1, sender: 77, recipient: RouterBench.router)
        let key = try SecurityAssociation(spi: 77, node: 77, key: Array(repeating: 1, count: 32))
        let bytes = AnchorMessage(header, .release(Release(address: IPAddress("10.1.0.2")!))).encoded(with: key)
        bench.receive(bytes, from: IPAddress("10.1.0.9")!)
        guard case .send(let datagram)? = bench.actions.last else {
            Issue.record("nothing was answered")
            return
        }
        let opened = try KeyRing().open(datagram.bytes, as: 77)
        #expect(!opened.isAuthentic)
        guard case .error(let error) = opened.message.body else {
            Issue.record("not an error")
            return
        }
        #expect(error.code == .unknownSPI)
        #expect(datagram.bytes.count <= bytes.count)
    }

    @Test func `an error is never answered`() throws {
        var bench = try RouterBench()
        let header = MessageHeader(spi: 77, epoch: 1, sequence: 1, sender: 77, recipient: RouterBench.router)
        let key = try SecurityAssociation(spi: 77, node: 77, key: Array(repeating: 1, count: 32))
        let body = ErrorReply(inReplyTo: MessageReference(epoch: 1, sequence: 1), code: .malformed)
        bench.receive(AnchorMessage(header, .error(body)).encoded(with: key), from: IPAddress("10.1.0.9")!)
        #expect(bench.actions.map(\.step) == [.report])
    }
}

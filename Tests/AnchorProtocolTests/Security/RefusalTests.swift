import AnchorProtocol
import Testing

@Suite struct RefusalTests {
    private static let reference = MessageReference(epoch: 3, sequence: 5)

    private func answer(to bytes: [UInt8]) throws -> (ErrorReply, isAuthentic: Bool)? {
        let error = try #require(throws: MessageError.self) { try Fixture.ring.open(bytes, as: Fixture.router) }
        guard
            let answer = Fixture.ring.refusal(
                of: bytes, because: error, from: Fixture.router, as: Self.reference)
        else { return nil }
        #expect(answer.count <= bytes.count)
        let opened = try Fixture.ring.open(answer, as: Fixture.node)
        guard case .error(let reply) = opened.message.body else { return nil }
        #expect(opened.message.header.sender == Fixture.router)
        #expect(reply.inReplyTo == Fixture.request)
        return (reply, opened.isAuthentic)
    }

    @Test func `an unknown critical option of an authentic message is refused with the router's word`() throws {
        let (reply, isAuthentic) = try #require(
            try answer(to: RawMessage(type: 7, options: "8040 0000", paddedTo: 160).bytes))
        #expect(reply.code == .unknownCriticalOption && reply.detail == 0x8040 && isAuthentic)
        #expect(reply.text == "unknown critical option 0x8040")
    }

    @Test func `a version that is not spoken is answered with the one that is`() throws {
        let (reply, isAuthentic) = try #require(
            try answer(to: RawMessage(version: 2, type: 7, options: "", paddedTo: 120).bytes))
        #expect(reply.code == .unsupportedVersion && reply.detail == 1 && !isAuthentic)
    }

    @Test func `without a shared key the answer is a hint`() throws {
        let strange = try SecurityAssociation(spi: 999, node: Fixture.node, key: [UInt8](2...40))
        let bytes = AnchorMessage(Fixture.fromNode(spi: 999), .release(Release(address: ip("10.1.0.5"))))
            .encoded(with: strange)
        let (reply, isAuthentic) = try #require(try answer(to: bytes))
        #expect(reply.code == .unknownSPI && !isAuthentic)
        let impostor = try SecurityAssociation(spi: 257, node: Fixture.node, key: [UInt8](2...40))
        let forged = AnchorMessage(Fixture.fromNode(), .release(Release(address: ip("10.1.0.5"))))
            .encoded(with: impostor)
        let (second, secondIsAuthentic) = try #require(try answer(to: forged))
        #expect(second.code == .badAuthenticator && !secondIsAuthentic)
    }

    @Test func `what is not this protocol, or somebody else's, or an error is met with silence`() throws {
        #expect(try answer(to: RawMessage(magic: 0x1234, type: 7, options: "", paddedTo: 120).bytes) == nil)
        #expect(try answer(to: [UInt8](repeating: 0, count: 10)) == nil)
        #expect(
            try answer(to: RawMessage(type: 7, recipient: 43, options: "8002 0004 0a010005", paddedTo: 120).bytes)
                == nil)
        #expect(try answer(to: RawMessage(type: 9, options: "8040 0000", paddedTo: 120).bytes) == nil)
    }

    @Test func `what is too small for any answer gets none`() throws {
        #expect(try answer(to: RawMessage(version: 2, type: 7, spi: 0, options: "").bytes) == nil)
    }

    @Test func `the text is cut before the answer is given up`() throws {
        let bytes = RawMessage(version: 2, type: 7, spi: 0, options: "", paddedTo: 70).bytes
        let (reply, _) = try #require(try answer(to: bytes))
        #expect(reply.code == .unsupportedVersion && reply.text == "version 2 ")
    }
}

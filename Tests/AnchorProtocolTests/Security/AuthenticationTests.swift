import NetworkTypes
import Testing

@testable import AnchorProtocol

@Suite struct AuthenticationTests {
    private static let update = AnchorMessage(
        Fixture.fromNode(),
        .locationUpdate(
            LocationUpdate(
                address: ip("10.1.0.5"), location: .away(careOf: ip("10.2.0.5"), .ipInIP), lifetime: 600)))

    /// RFC 4231, section 4.2 and 4.4.
    @Test func `the authenticator is HMAC-SHA-256`() throws {
        let first = try SecurityAssociation(spi: 256, node: 1, key: [UInt8](repeating: 0x0b, count: 20))
        let bytes = [UInt8]("Hi There".utf8).withUnsafeBytes { [UInt8](first.authenticator(of: $0)) }
        #expect(hexText(bytes) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7")
        let third = try SecurityAssociation(spi: 256, node: 1, key: [UInt8](repeating: 0xaa, count: 20))
        let other = [UInt8](repeating: 0xdd, count: 50).withUnsafeBytes { [UInt8](third.authenticator(of: $0)) }
        #expect(hexText(other) == "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe")
    }

    @Test(arguments: MessageType.allCases.filter(\.mustBeAuthenticated))
    func `a message with any one bit turned over is refused`(type: MessageType) {
        var random = Random(seed: 7)
        let message = random.message(type)
        let bytes = Fixture.encode(message)
        #expect(throws: Never.self) { try Fixture.open(bytes) }
        for bit in 0..<bytes.count * 8 {
            var altered = bytes
            altered[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(throws: MessageError.self, "bit \(bit)") {
                try Fixture.open(altered, as: message.header.recipient)
            }
        }
    }

    @Test func `nothing behind the header is read before the authenticator was found right`() {
        var bytes = RawMessage(type: 7, options: "8040 0000", paddedTo: 120).bytes
        bytes[119] ^= 1
        let error = #expect(throws: MessageError.self) { try Fixture.open(bytes) }
        #expect(error == .badAuthenticator(spi: 257))
    }

    @Test func `an index without a key is refused`() {
        let error = #expect(throws: MessageError.self) {
            try KeyRing().open(Fixture.encode(Self.update), as: Fixture.router)
        }
        #expect(error == .unknownSPI(257))
    }

    @Test func `a key speaks for its own node and no other`() throws {
        let thief = try SecurityAssociation(spi: 300, node: 6, key: [UInt8](33...64))
        let ring = KeyRing([Fixture.association, thief])
        var forged = Self.update
        forged.header.spi = 300
        let error = #expect(throws: MessageError.self) {
            try ring.open(forged.encoded(with: thief), as: Fixture.router)
        }
        #expect(error == .wrongSigner(spi: 300, node: Fixture.node))
    }

    @Test func `a router's answer is for the node of its key only`() throws {
        let thief = try SecurityAssociation(spi: 300, node: 6, key: [UInt8](33...64))
        let ring = KeyRing([Fixture.association, thief])
        let forged = AnchorMessage(
            Fixture.fromRouter(spi: 300),
            .releaseAck(ReleaseAck(inReplyTo: Fixture.request, address: ip("10.1.0.5"))))
        let error = #expect(throws: MessageError.self) { try ring.open(forged.encoded(with: thief), as: Fixture.node) }
        #expect(error == .wrongSigner(spi: 300, node: Fixture.node))
    }

    @Test func `a message sent back to its sender is refused`() {
        let error = #expect(throws: MessageError.self) {
            try Fixture.ring.open(Fixture.encode(Self.update), as: Fixture.node)
        }
        #expect(error == .wrongRecipient(Fixture.router))
    }

    @Test func `a message captured on the way to one router has no effect at another`() {
        let bytes = Fixture.encode(Self.update)
        let error = #expect(throws: MessageError.self) { try Fixture.ring.open(bytes, as: 43) }
        #expect(error == .wrongRecipient(42))
        var anycast = Self.update
        anycast.header.recipient = 0
        let other = #expect(throws: MessageError.self) { try Fixture.ring.open(Fixture.encode(anycast), as: 43) }
        #expect(other == .wrongRecipient(0))
    }

    @Test func `a discovery message may go to anybody and without a key`() throws {
        let opened = try KeyRing().open(
            Fixture.encode(AnchorMessage(Fixture.fromNode(spi: 0, recipient: 0), .solicit(Solicit()))), as: 42)
        #expect(!opened.isAuthentic && opened.association == nil)
    }

    @Test func `who vouches for a message goes with it`() throws {
        let opened = try Fixture.ring.open(Fixture.encode(Self.update), as: Fixture.router)
        #expect(opened.isAuthentic && opened.association?.node == Fixture.node)
        #expect(opened.message == Self.update)
    }

    @Test func `keys that are too short or too long and index 0 are refused`() {
        #expect(throws: KeyError.keyLength(15)) {
            try SecurityAssociation(spi: 256, node: 1, key: [UInt8](1...15))
        }
        #expect(throws: KeyError.keyLength(65)) {
            try SecurityAssociation(spi: 256, node: 1, key: [UInt8](1...65))
        }
        #expect(throws: KeyError.reservedSPI) { try SecurityAssociation(spi: 0, node: 1, key: Fixture.key) }
    }
}

import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct SolicitTests {
    private static let bytes = """
        4641 01 01  # magic, version, type
        0000 0200  # flags, length
        00000000  # SPI
        00000007  # epoch
        00000009  # sequence
        0000000000000001  # sender
        0000000000000000  # recipient
        0012 01d8  # padding
        00*472
        """

    private static let message = AnchorMessage(Fixture.fromNode(spi: 0, recipient: 0), .solicit(Solicit()))

    @Test func `bytes and message are the same thing both ways`() throws {
        #expect(try Fixture.open(hex(Self.bytes)) == Self.message)
        #expect(hexText(Fixture.encode(Self.message)) == hexText(hex(Self.bytes)))
    }

    @Test func `one that is not padded is refused, since its answer could be larger`() {
        #expect(
            RawMessage(type: 1, spi: 0, options: "", paddedTo: 511).error
                == .notPadded(.solicit, count: 511, needed: 512))
        #expect(
            RawMessage(type: 1, spi: 0, options: "").error == .notPadded(.solicit, count: 36, needed: 512))
    }

    @Test func `one with an authenticator is read too`() throws {
        let bytes = AnchorMessage(Fixture.fromNode(recipient: 0), .solicit(Solicit()))
            .encoded(with: Fixture.association)
        #expect(bytes.count == 512)
        #expect(try Fixture.ring.open(bytes, as: Fixture.router).isAuthentic)
    }
}

import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct ReleaseAckTests {
    private static let bytes = """
        4641 01 08  # magic, version, type
        0000 0064  # flags, length
        00000101  # SPI
        00000003  # epoch
        00000005  # sequence
        000000000000002a  # sender
        0000000000000001  # recipient
        8001 0008 0000000700000009  # in reply to
        8002 0010 fd010000000000000000000000000005  # address
        c67b3e5097b9e7b804f454573b371eacf5a0085959b56d0586b0bd6657026edb  # authenticator
        """

    private static let message = AnchorMessage(
        Fixture.fromRouter(), .releaseAck(ReleaseAck(inReplyTo: Fixture.request, address: ip("fd01::5"))))

    @Test func `bytes and message are the same thing both ways`() throws {
        #expect(try Fixture.open(hex(Self.bytes)) == Self.message)
        #expect(hexText(Fixture.encode(Self.message)) == hexText(hex(Self.bytes)))
    }

    private static let malformed = [
        Malformed("8002 0004 0a010005", error: .missingOption(.releaseAck, type: 0x8001)),
        Malformed("8001 0008 00000007 00000009", error: .missingOption(.releaseAck, type: 0x8002)),
        Malformed("8001 0009 00000007 00000009 00", error: .optionLength(type: 0x8001, length: 9)),
    ]

    @Test(arguments: malformed)
    func `what is malformed is refused with what offends`(wrong: Malformed) {
        #expect(RawMessage(type: 8, sender: 42, recipient: 1, options: wrong.options).error == wrong.error)
    }
}

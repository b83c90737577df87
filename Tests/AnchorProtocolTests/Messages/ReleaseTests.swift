import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct ReleaseTests {
    private static let bytes = """
        4641 01 07  # magic, version, type
        0000 0078  # flags, length
        00000101  # SPI
        00000007  # epoch
        00000009  # sequence
        0000000000000001  # sender
        000000000000002a  # recipient
        8002 0010 fd010000000000000000000000000005  # address
        0012 001c  # padding
        00*28
        cd408b6db59d7a7614be97f979462b9d11da1f6d6b79fa6239698e9984d883ff  # authenticator
        """

    private static let message = AnchorMessage(Fixture.fromNode(), .release(Release(address: ip("fd01::5"))))

    @Test func `bytes and message are the same thing both ways`() throws {
        #expect(try Fixture.open(hex(Self.bytes)) == Self.message)
        #expect(hexText(Fixture.encode(Self.message)) == hexText(hex(Self.bytes)))
    }

    private static let malformed = [
        Malformed("", error: .missingOption(.release, type: 0x8002)),
        Malformed("8002 0003 0a0100", error: .optionLength(type: 0x8002, length: 3)),
        Malformed("8002 0004 0a010005 8002 0004 0a010005", error: .duplicateOption(type: 0x8002)),
        Malformed("8002 0010 00*16", error: .optionValue(type: 0x8002, value: 0)),
    ]

    @Test(arguments: malformed)
    func `what is malformed is refused with what offends`(wrong: Malformed) {
        #expect(RawMessage(type: 7, options: wrong.options, paddedTo: 120).error == wrong.error)
    }

    @Test func `one that is not padded is refused, since its answer could be larger`() {
        #expect(
            RawMessage(type: 7, options: "8002 0004 0a010005").error
                == .notPadded(.release, count: 76, needed: 120))
    }
}

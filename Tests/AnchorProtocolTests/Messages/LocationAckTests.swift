import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct LocationAckTests {
    private static let bytes = """
        4641 01 06  # magic, version, type
        0000 006c  # flags, length
        00000101  # SPI
        00000003  # epoch
        00000005  # sequence
        000000000000002a  # sender
        0000000000000001  # recipient
        8001 0008 0000000700000009  # in reply to
        8002 0004 0a010005  # address
        8004 0008 0100000000000000  # tunnel
        0005 0004 00000258  # lifetime
        6c792a7f16660f3df58442d4e3132f2106714521e57636eae2d667ed141b5582  # authenticator
        """

    private static let message = AnchorMessage(
        Fixture.fromRouter(),
        .locationAck(
            LocationAck(inReplyTo: Fixture.request, address: ip("10.1.0.5"), tunnel: .ipInIP, lifetime: 600)))

    @Test func `bytes and message are the same thing both ways`() throws {
        #expect(try Fixture.open(hex(Self.bytes)) == Self.message)
        #expect(hexText(Fixture.encode(Self.message)) == hexText(hex(Self.bytes)))
    }

    private static let needed = "8001 0008 00000007 00000009  8002 0004 0a010005  0005 0004 00000258 "

    @Test func `without a tunnel the node is attached`() throws {
        let bytes = RawMessage(type: 6, sender: 42, recipient: 1, options: Self.needed).bytes
        guard case .locationAck(let read) = try Fixture.open(bytes).body else { return #expect(Bool(false)) }
        #expect(read.tunnel == nil)
    }

    private static let malformed = [
        Malformed("8002 0004 0a010005 0005 0004 00000258", error: .missingOption(.locationAck, type: 0x8001)),
        Malformed("8001 0008 00000007 00000009 0005 0004 00000258", error: .missingOption(.locationAck, type: 0x8002)),
        Malformed("8001 0008 00000007 00000009 8002 0004 0a010005", error: .missingOption(.locationAck, type: 0x0005)),
        Malformed(needed, "8004 0008 00000000 00000000", error: .optionValue(type: 0x8004, value: 0)),
        Malformed(needed, "0005 0004 00000258", error: .duplicateOption(type: 0x0005)),
    ]

    @Test(arguments: malformed)
    func `what is malformed is refused with what offends`(wrong: Malformed) {
        #expect(RawMessage(type: 6, sender: 42, recipient: 1, options: wrong.options).error == wrong.error)
    }
}

import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct AttachReplyTests {
    private static let bytes = """
        4641 01 04  # magic, version, type
        0000 00ae  # flags, length
        00000101  # SPI
        00000003  # epoch
        00000005  # sequence
        000000000000002a  # sender
        0000000000000001  # recipient
        8001 0008 0000000700000009  # in reply to
        000c 0002 05dc  # MTU
        000d 0004 00decade  # GRE key
        0008 0004 0000003f  # capabilities
        0007 0004 c0000201  # endpoint
        800a 0010 00000258180000000a0100050a010001  # lease
        800a 0028 0000012c40000000fd010000000000000000000000000005fd010000000000000000000000000001  # lease
        31d0062e6ba319b2bd8627972f961fbde881714c56663efd9a5f0a5456577a71  # authenticator
        """

    private static let message = AnchorMessage(
        Fixture.fromRouter(),
        .attachReply(
            AttachReply(
                inReplyTo: Fixture.request,
                leases: [
                    AddressLease(
                        address: ip("10.1.0.5"), gateway: ip("10.1.0.1"), prefixLength: 24, lifetime: 600),
                    AddressLease(address: ip("fd01::5"), gateway: ip("fd01::1"), prefixLength: 64, lifetime: 300),
                ],
                endpoints: [ip("192.0.2.1")], mtu: 1500, greKey: 0xdecade,
                capabilities: [.v4, .v6, .ipInIP, .gre, .greSequence, .bothInUse])))

    @Test func `bytes and message are the same thing both ways`() throws {
        #expect(try Fixture.open(hex(Self.bytes)) == Self.message)
        #expect(hexText(Fixture.encode(Self.message)) == hexText(hex(Self.bytes)))
    }

    private static let needed =
        "8001 0008 00000007 00000009  000c 0002 05dc  000d 0004 00decade  0008 0004 0000003f "

    private static let malformed = [
        Malformed("", error: .missingOption(.attachReply, type: 0x8001)),
        Malformed("8001 0008 00000007 00000009", error: .missingOption(.attachReply, type: 0x000c)),
        Malformed("8001 0008 00000007 00000009 000c 0002 05dc", error: .missingOption(.attachReply, type: 0x000d)),
        Malformed("8001 0004 00000007", error: .optionLength(type: 0x8001, length: 4)),
        Malformed(needed, "8001 0008 00000007 00000009", error: .duplicateOption(type: 0x8001)),
        Malformed(needed, "000c 0004 000005dc", error: .optionLength(type: 0x000c, length: 4)),
        Malformed(
            needed, "800a 0010 00000258 21000000 0a010005 0a010001", error: .optionValue(type: 0x800a, value: 33)),
        Malformed(needed, "800a 0010 00000258 18000000 00000000 0a010001", error: .optionValue(type: 0x800a, value: 0)),
        Malformed(needed, "800a 000c 00000258 18000000 0a010005", error: .optionLength(type: 0x800a, length: 12)),
        Malformed(
            needed, "800a 0028 00000258 81000000 fd01 00*13 05 fd01 00*13 01",
            error: .optionValue(type: 0x800a, value: 0x81)),
        Malformed(
            needed, "800a 0028 00000258 40000000 fd01 00*13 05 00*10 ffff 0a010001",
            error: .optionValue(type: 0x800a, value: 0xffff_0a01_0001)),
    ]

    @Test(arguments: malformed)
    func `what is malformed is refused with what offends`(wrong: Malformed) {
        #expect(RawMessage(type: 4, sender: 42, recipient: 1, options: wrong.options).error == wrong.error)
    }

    @Test func `eighteen leases are the most`() {
        let lease = "800a 0010 00000258 18000000 0a010005 0a010001 "
        let most = Self.needed + String(repeating: lease, count: 18)
        #expect(RawMessage(type: 4, sender: 42, recipient: 1, options: most).error == nil)
        #expect(
            RawMessage(type: 4, sender: 42, recipient: 1, options: most + lease).error
                == .tooManyOptions(type: 0x800a, limit: 18))
    }
}

import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct AdvertiseTests {
    private static let bytes = """
        4641 01 02  # magic, version, type
        0000 0088  # flags, length
        00000000  # SPI
        00000003  # epoch
        00000005  # sequence
        000000000000002a  # sender
        0000000000000001  # recipient
        8001 0008 0000000700000009  # in reply to
        0005 0004 0000000a  # lifetime
        000e 0004 00000bb8  # interval
        0008 0004 0000003f  # capabilities
        0007 0004 c0000201  # endpoint
        0007 0010 20010db8000100000000000000000001  # endpoint
        0009 0008 180000000a010000  # prefix
        0009 0014 40000000fd010000000000000000000000000000  # prefix
        """

    private static let message = AnchorMessage(
        Fixture.fromRouter(spi: 0),
        .advertise(
            Advertise(
                inReplyTo: Fixture.request, lifetime: 10, interval: 3000,
                capabilities: [.v4, .v6, .ipInIP, .gre, .greSequence, .bothInUse],
                endpoints: [ip("192.0.2.1"), ip("2001:db8:1::1")], prefixes: [block("10.1.0.0/24"), block("fd01::/64")])
        ))

    @Test func `bytes and message are the same thing both ways`() throws {
        #expect(try Fixture.open(hex(Self.bytes)) == Self.message)
        #expect(hexText(Fixture.encode(Self.message)) == hexText(hex(Self.bytes)))
    }

    private static let needed = "0005 0004 0000000a  000e 0004 00000bb8  0008 0004 0000003f "

    @Test func `one that was not asked for refers to nothing`() throws {
        let raw = RawMessage(type: 2, spi: 0, sender: 42, recipient: 0, options: Self.needed)
        guard case .advertise(let read) = try Fixture.open(raw.bytes, as: 1).body else { return #expect(Bool(false)) }
        #expect(read.inReplyTo == nil && read.endpoints.isEmpty && read.prefixes.isEmpty)
    }

    private static let malformed = [
        Malformed("", error: .missingOption(.advertise, type: 0x0005)),
        Malformed("0005 0004 0000000a", error: .missingOption(.advertise, type: 0x000e)),
        Malformed("0005 0004 0000000a 000e 0004 00000bb8", error: .missingOption(.advertise, type: 0x0008)),
        Malformed("0005 0003 00000a", error: .optionLength(type: 0x0005, length: 3)),
        Malformed(needed, "0008 0004 0000003f", error: .duplicateOption(type: 0x0008)),
        Malformed(needed, "0007 0004 c0000201 0007 0004 c0000202", error: .duplicateOption(type: 0x0007)),
        Malformed(needed, "0007 0005 c000020100", error: .optionLength(type: 0x0007, length: 5)),
        Malformed(needed, "0007 0004 00000000", error: .optionValue(type: 0x0007, value: 0)),
        Malformed(needed, "0007 0004 e0000001", error: .optionValue(type: 0x0007, value: 0xe000_0001)),
        Malformed(needed, "0007 0010 00*10 ffff 0a010101", error: .optionValue(type: 0x0007, value: 0xffff_0a01_0101)),
        Malformed(needed, "0009 0008 21000000 0a010000", error: .optionValue(type: 0x0009, value: 33)),
        Malformed(needed, "0009 0008 08000000 0a010000", error: .optionValue(type: 0x0009, value: 8)),
        Malformed(needed, "0009 0007 08000000 0a0000", error: .optionLength(type: 0x0009, length: 7)),
    ]

    @Test(arguments: malformed)
    func `what is malformed is refused with what offends`(wrong: Malformed) {
        #expect(RawMessage(type: 2, spi: 0, sender: 42, recipient: 1, options: wrong.options).error == wrong.error)
    }

    @Test func `twelve prefixes are the most`() {
        let prefix = "0009 0008 18000000 0a010000 "
        let twelve = Self.needed + String(repeating: prefix, count: 12)
        #expect(RawMessage(type: 2, spi: 0, options: twelve).error == nil)
        #expect(
            RawMessage(type: 2, spi: 0, options: twelve + prefix).error == .tooManyOptions(type: 0x0009, limit: 12))
    }
}

import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct LocationUpdateTests {
    private static let bytes = """
        4641 01 05  # magic, version, type
        0001 007e  # flags, length
        00000101  # SPI
        00000007  # epoch
        00000009  # sequence
        0000000000000001  # sender
        000000000000002a  # recipient
        8002 0004 0a010005  # address
        8003 0010 20010db8000200000000000000000005  # care-of address
        8004 0008 0280000000decade  # tunnel
        8006 0006 020000000001  # link address
        0005 0004 00000258  # lifetime
        226a48fefb906ac4618831f6a6d54f4d136b9ad3b4e6191ea5254d8d3fcb1485  # authenticator
        """

    private static let away = """
        4641 01 05  # magic, version, type
        0000 0078  # flags, length
        00000101  # SPI
        00000007  # epoch
        00000009  # sequence
        0000000000000001  # sender
        000000000000002a  # recipient
        8002 0004 0a010005  # address
        8003 0004 0a020005  # care-of address
        8004 0008 0100000000000000  # tunnel
        0005 0004 00000258  # lifetime
        0012 000c  # padding
        00*12
        e54033e1a43482992c47602a4591cdb4447909b0eb7e304474b0a316dd8065d8  # authenticator
        """

    private static let message = AnchorMessage(
        Fixture.fromNode(),
        .locationUpdate(
            LocationUpdate(
                address: ip("10.1.0.5"),
                location: .both(
                    mac("02:00:00:00:00:01"), careOf: ip("2001:db8:2::5"), .gre(key: 0xdecade, sequenced: true)),
                lifetime: 600)))

    @Test func `bytes and message are the same thing both ways`() throws {
        #expect(try Fixture.open(hex(Self.bytes)) == Self.message)
        #expect(hexText(Fixture.encode(Self.message)) == hexText(hex(Self.bytes)))
    }

    private static let address = "8002 0004 0a010005 "
    private static let careOf = "8003 0004 0a020005 "
    private static let tunnel = "8004 0008 01000000 00000000 "
    private static let link = "8006 0006 020000000001 "
    private static let lifetime = "0005 0004 00000258 "

    @Test func `away means a care-of address and a tunnel alone`() throws {
        let bytes = hex(Self.away)
        let message = AnchorMessage(
            Fixture.fromNode(),
            .locationUpdate(
                LocationUpdate(
                    address: ip("10.1.0.5"), location: .away(careOf: ip("10.2.0.5"), .ipInIP), lifetime: 600)))
        #expect(try Fixture.open(bytes) == message)
        #expect(hexText(Fixture.encode(message)) == hexText(bytes))
    }

    @Test func `attached means a link address alone`() throws {
        let raw = RawMessage(type: 5, flags: 1, options: Self.address + Self.link + Self.lifetime, paddedTo: 120)
        guard case .locationUpdate(let read) = try Fixture.open(raw.bytes).body else { return #expect(Bool(false)) }
        #expect(read.location == .attached(mac("02:00:00:00:00:01")))
        #expect(read.location.careOf == nil && read.location.tunnel == nil)
    }

    private static let malformed = [
        Malformed(careOf, tunnel, lifetime, error: .missingOption(.locationUpdate, type: 0x8002)),
        Malformed(address, lifetime, error: .missingOption(.locationUpdate, type: 0x8003)),
        Malformed(address, careOf, lifetime, error: .missingOption(.locationUpdate, type: 0x8004)),
        Malformed(address, careOf, tunnel, error: .missingOption(.locationUpdate, type: 0x0005)),
        Malformed(address, lifetime, error: .missingOption(.locationUpdate, type: 0x8006), flags: 1),
        Malformed(address, careOf, tunnel, lifetime, error: .missingOption(.locationUpdate, type: 0x8006), flags: 1),
        Malformed(address, careOf, tunnel, link, lifetime, error: .contradictoryOption(type: 0x8006)),
        Malformed(address, tunnel, link, lifetime, error: .contradictoryOption(type: 0x8004), flags: 1),
        Malformed(address, address, error: .duplicateOption(type: 0x8002)),
        Malformed(address, careOf, careOf, error: .duplicateOption(type: 0x8003)),
        Malformed("8003 0004 00000000", error: .optionValue(type: 0x8003, value: 0)),
        Malformed("8004 0008 03000000 00000000", error: .optionValue(type: 0x8004, value: 3)),
        Malformed("8004 0008 01000000 00000007", error: .optionValue(type: 0x8004, value: 7)),
        Malformed("8004 0008 01800000 00000000", error: .optionValue(type: 0x8004, value: 0x80)),
        Malformed("8004 0004 01000000", error: .optionLength(type: 0x8004, length: 4)),
    ]

    @Test(arguments: malformed)
    func `what is malformed is refused with what offends`(wrong: Malformed) {
        #expect(RawMessage(type: 5, flags: wrong.flags, options: wrong.options, paddedTo: 120).error == wrong.error)
    }

    @Test func `one that is not padded is refused, since its answer could be larger`() {
        let options = Self.address + Self.careOf + Self.tunnel + Self.lifetime
        #expect(
            RawMessage(type: 5, options: options).error == .notPadded(.locationUpdate, count: 104, needed: 120))
    }
}

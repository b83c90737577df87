import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct AttachRequestTests {
    private static let bytes = """
        4641 01 03  # magic, version, type
        0003 00f4  # flags, length
        00000101  # SPI
        00000007  # epoch
        00000009  # sequence
        0000000000000001  # sender
        000000000000002a  # recipient
        8006 0006 020000000001  # link address
        0005 0004 00000258  # lifetime
        000b 0004 0a010005  # previous address
        0012 0092  # padding
        00*146
        b9c4868d83d4332722aa51e7c8c85edcf9e423a73940bb3635d868246259b5ef  # authenticator
        """

    private static let message = AnchorMessage(
        Fixture.fromNode(),
        .attachRequest(
            AttachRequest(
                linkAddress: mac("02:00:00:00:00:01"), families: [.v4, .v6], lifetime: 600,
                previousAddresses: [ip("10.1.0.5")])))

    @Test func `bytes and message are the same thing both ways`() throws {
        #expect(try Fixture.open(hex(Self.bytes)) == Self.message)
        #expect(hexText(Fixture.encode(Self.message)) == hexText(hex(Self.bytes)))
    }

    private static let needed = "8006 0006 020000000001  0005 0004 00000258 "

    private static let malformed = [
        Malformed("0005 0004 00000258", error: .missingOption(.attachRequest, type: 0x8006)),
        Malformed("8006 0006 020000000001", error: .missingOption(.attachRequest, type: 0x0005)),
        Malformed("8006 0005 0200000000", error: .optionLength(type: 0x8006, length: 5)),
        Malformed("8006 0006 000000000000", error: .optionValue(type: 0x8006, value: 0)),
        Malformed("8006 0006 ffffffffffff", error: .optionValue(type: 0x8006, value: 0xffff_ffff_ffff)),
        Malformed(needed, "8006 0006 020000000001", error: .duplicateOption(type: 0x8006)),
        Malformed(needed, "000b 0004 e0000001", error: .optionValue(type: 0x000b, value: 0xe000_0001)),
        Malformed(needed, "000b 0000", error: .optionLength(type: 0x000b, length: 0)),
    ]

    @Test(arguments: malformed)
    func `what is malformed is refused with what offends`(wrong: Malformed) {
        #expect(RawMessage(type: 3, flags: 3, options: wrong.options, paddedTo: 300).error == wrong.error)
    }

    @Test func `its padding grows with the addresses that the answer may hold`() {
        let two = Self.needed + "000b 0004 0a010005 000b 0004 0a010006"
        #expect(RawMessage(type: 3, options: two, paddedTo: 288).error == nil)
        #expect(
            RawMessage(type: 3, options: two, paddedTo: 287).error
                == .notPadded(.attachRequest, count: 287, needed: 288))
        #expect(
            RawMessage(type: 3, options: Self.needed, paddedTo: 199).error
                == .notPadded(.attachRequest, count: 199, needed: 200))
    }

    @Test func `sixteen previous addresses are the most`() {
        let address = "000b 0010 fd01 00*13 05 "
        let sixteen = Self.needed + String(repeating: address, count: 16)
        #expect(RawMessage(type: 3, options: sixteen, paddedTo: 1232).error == nil)
        #expect(
            RawMessage(type: 3, options: sixteen + address, paddedTo: 1232).error
                == .tooManyOptions(type: 0x000b, limit: 16))
    }

    @Test func `flags that nobody defined yet are ignored`() throws {
        let bytes = RawMessage(type: 3, flags: 0xfffe, options: Self.needed, paddedTo: 200).bytes
        guard case .attachRequest(let read) = try Fixture.open(bytes).body else { return #expect(Bool(false)) }
        #expect(read.families == [.v6])
    }
}

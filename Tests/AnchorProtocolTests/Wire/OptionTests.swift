import AnchorProtocol
import Testing

@Suite struct OptionTests {
    private static let address = "8002 0004 0a010005 "

    @Test(arguments: ["0040 0000", "7fff 0003 010203", "0040 0001 00 0041 0002 0000"])
    func `an unknown optional option is skipped`(option: String) throws {
        let plain = RawMessage(type: 7, options: Self.address, paddedTo: 120).bytes
        let before = RawMessage(type: 7, options: option + " " + Self.address, paddedTo: 120).bytes
        let behind = RawMessage(type: 7, options: Self.address + option, paddedTo: 120).bytes
        #expect(try Fixture.open(before) == Fixture.open(plain))
        #expect(try Fixture.open(behind) == Fixture.open(plain))
    }

    @Test(arguments: MessageType.allCases)
    func `an unknown critical option refuses any message`(type: MessageType) {
        let toRouter = [.solicit, .attachRequest, .locationUpdate, .release].contains(type)
        var raw = RawMessage(type: type.rawValue, options: "8040 0000", paddedTo: 512)
        if !toRouter { (raw.sender, raw.recipient) = (42, 1) }
        #expect(raw.error == .unknownCriticalOption(type: 0x8040))
    }

    @Test func `a known option of another message counts as unknown`() {
        #expect(
            RawMessage(type: 7, options: Self.address + "000c 0002 05dc", paddedTo: 120).error == nil)
        #expect(
            RawMessage(type: 7, options: Self.address + "8003 0004 0a020005", paddedTo: 120).error
                == .unknownCriticalOption(type: 0x8003))
    }

    @Test(arguments: [
        ("80", MessageError.truncatedOptionHeader(offset: 96)),
        ("8002 00", .truncatedOptionHeader(offset: 96)),
        ("8002 0005 0a010005", .truncatedOption(type: 0x8002, stated: 5, available: 4)),
        ("0040 ffff", .truncatedOption(type: 0x0040, stated: 65535, available: 0)),
    ])
    func `an option that is cut off is refused`(end: String, expected: MessageError) {
        let options = "0012 0038 00*56 " + end
        #expect(RawMessage(type: 7, options: options).error == expected)
    }
}

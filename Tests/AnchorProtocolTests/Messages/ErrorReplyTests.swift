import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct ErrorReplyTests {
    private static let bytes = """
        4641 01 09  # magic, version, type
        0000 0077  # flags, length
        00000101  # SPI
        00000003  # epoch
        00000005  # sequence
        000000000000002a  # sender
        0000000000000001  # recipient
        8001 0008 0000000700000009  # in reply to
        800f 0004 00080000  # code, detail
        0011 0008 00000008000003e8  # receiver view
        0010 000f 65706f63682037206973206f766572  # text
        a1b4818e438c4b9ab80730bc6ad0f1d8a81895908d0e7e0eca02c11589d4594c  # authenticator
        """

    private static let message = AnchorMessage(
        Fixture.fromRouter(),
        .error(
            ErrorReply(
                inReplyTo: Fixture.request, code: .staleEpoch,
                receiverView: MessageReference(epoch: 8, sequence: 1000), text: "epoch 7 is over")))

    @Test func `bytes and message are the same thing both ways`() throws {
        #expect(try Fixture.open(hex(Self.bytes)) == Self.message)
        #expect(hexText(Fixture.encode(Self.message)) == hexText(hex(Self.bytes)))
    }

    private static let needed = "8001 0008 00000007 00000009  800f 0004 00460000 "

    private static let malformed = [
        Malformed("800f 0004 00460000", error: .missingOption(.error, type: 0x8001)),
        Malformed("8001 0008 00000007 00000009", error: .missingOption(.error, type: 0x800f)),
        Malformed(needed, "0011 0004 00000007", error: .optionLength(type: 0x0011, length: 4)),
        Malformed(needed, "0010 0081 41*129", error: .optionLength(type: 0x0010, length: 129)),
        Malformed(needed, "0010 0001 41 0010 0001 41", error: .duplicateOption(type: 0x0010)),
    ]

    @Test(arguments: malformed)
    func `what is malformed is refused with what offends`(wrong: Malformed) {
        #expect(RawMessage(type: 9, sender: 42, recipient: 1, options: wrong.options).error == wrong.error)
    }

    @Test func `a code of a newer peer is kept as it is`() throws {
        let bytes = RawMessage(
            type: 9, sender: 42, recipient: 1, options: "8001 0008 00000007 00000009 800f 0004 ffee0003"
        ).bytes
        guard case .error(let read) = try Fixture.open(bytes).body else { return #expect(Bool(false)) }
        #expect(read.code == ErrorCode(rawValue: 0xffee) && read.detail == 3 && read.text.isEmpty)
    }

    @Test func `text that would steer a terminal or is not UTF-8 is made harmless`() throws {
        let bytes = RawMessage(
            type: 9, sender: 42, recipient: 1, options: Self.needed + "0010 0006 41 1b 5b 4a ff 0a"
        ).bytes
        guard case .error(let read) = try Fixture.open(bytes).body else { return #expect(Bool(false)) }
        #expect(read.text == "A [J\u{fffd} ")
    }

    @Test func `text that is longer once it is made harmless is cut, so that it is written as it was read`() throws {
        let bytes = RawMessage(type: 9, sender: 42, recipient: 1, options: Self.needed + "0010 0080 aa*128").bytes
        let message = try Fixture.open(bytes)
        guard case .error(let read) = message.body else { return #expect(Bool(false)) }
        #expect(read.text == String(repeating: "\u{fffd}", count: 42))
        #expect(try Fixture.open(Fixture.encode(message)) == message)
    }

    @Test func `long text is cut at the end of a character`() throws {
        let text = "x" + String(repeating: "節", count: 60)
        let reply = ErrorReply(inReplyTo: Fixture.request, code: .prohibited, text: text)
        let bytes = Fixture.encode(AnchorMessage(Fixture.fromRouter(), .error(reply)))
        guard case .error(let read) = try Fixture.open(bytes).body else { return #expect(Bool(false)) }
        #expect(read.text == "x" + String(repeating: "節", count: 42))
    }
}

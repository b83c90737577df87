import AnchorProtocol
import NetworkTypes
import Testing

@Suite struct PeerMessageTests {
    // MARK: Header

    @Test func `header and number are the same thing both ways`() throws {
        let header = PeerFrameHeader(type: 16, payloadLength: 0x1_2345)
        #expect(header.bits == 0x4650_01_10_0001_2345)
        #expect(try PeerFrameHeader(bits: header.bits) == header)
        let largest = PeerFrameHeader(type: 255, payloadLength: PeerFrameHeader.longestPayload)
        #expect(try PeerFrameHeader(bits: largest.bits) == largest)
    }

    private static let wrongHeaders: [(UInt64, PeerProtocolError)] = [
        (0x4641_01_01_0000_0000, .badMagic(0x4641)), (0x4650_02_01_0000_0000, .unsupportedVersion(2)),
        (0x4650_00_01_0000_0000, .unsupportedVersion(0)), (0x4650_01_10_0004_0001, .tooLong(0x4_0001)),
        (0x4650_01_10_ffff_ffff, .tooLong(.max)),
    ]

    @Test(arguments: wrongHeaders)
    func `a header of something else is refused with what offends`(bits: UInt64, error: PeerProtocolError) {
        #expect(throws: error) { try PeerFrameHeader(bits: bits) }
    }

    // MARK: Hello

    private static let hello = PeerHello(
        name: "ar1", boot: 0x0102_0304_0506_0708, epoch: 7, router: 9,
        endpoints: [IPAddress("192.0.2.1")!, IPAddress("2001:db8::1")!])

    private static let bytes = """
        8101 0003 617231  # name
        8102 0008 0102030405060708  # boot
        8103 0004 00000007  # epoch
        8104 0008 0000000000000009  # router
        0007 0004 c0000201  # endpoint
        0007 0010 20010db8000000000000000000000001  # endpoint
        """

    @Test func `bytes and hello are the same thing both ways`() throws {
        #expect(hexText(Self.hello.encoded) == hexText(hex(Self.bytes)))
        #expect(try PeerHello(hex(Self.bytes)) == Self.hello)
    }

    @Test func `a new field of a later hello is skipped, a critical one refuses it`() throws {
        #expect(try PeerHello(hex(Self.bytes + "\n0199 0002 abcd")) == Self.hello)
        #expect(throws: PeerProtocolError.option(.unknownCriticalOption(type: 0x8199))) {
            try PeerHello(hex(Self.bytes + "\n8199 0000"))
        }
    }

    private static let needed = "8102 0008 0102030405060708 8103 0004 00000007 8104 0008 0000000000000009 "

    /// Options of a hello that is wrong, and the error that says so.
    private struct Wrong: Sendable {
        var options: String
        var error: PeerProtocolError

        init(_ options: String..., error: PeerProtocolError) {
            self.options = options.joined(separator: " ")
            self.error = error
        }
    }

    private static let malformed = [
        Wrong("", error: .missingOption(.hello, type: 0x8101)),
        Wrong("8101 0001 61", error: .missingOption(.hello, type: 0x8102)),
        Wrong(needed, error: .missingOption(.hello, type: 0x8101)),
        Wrong(needed, "8101 0000", error: .badName),
        Wrong(needed, "8101 0001 ff", error: .badName),
        Wrong(needed, "8101 0040 61*64", error: .option(.optionLength(type: 0x8101, length: 64))),
        Wrong(needed, "8101 0001 61 8101 0001 61", error: .option(.duplicateOption(type: 0x8101))),
        Wrong(needed, "8101 0002 61", error: .option(.truncatedOption(type: 0x8101, stated: 2, available: 1))),
        Wrong(needed, "8101", error: .option(.truncatedOptionHeader(offset: 32))),
        Wrong(needed, "8101 0001 61 0007 0004 00000000", error: .option(.optionValue(type: 7, value: 0))),
        Wrong(
            needed, "8101 0001 61 0007 0004 c0000201 0007 0004 c0000202", error: .option(.duplicateOption(type: 7))),
        Wrong(needed.replacing("00000007", with: "00000000"), "8101 0001 61", error: .option(.zeroEpoch)),
    ]

    @Test(arguments: malformed)
    private func `a malformed hello is refused with what offends`(wrong: Wrong) {
        #expect(throws: wrong.error) { try PeerHello(hex(wrong.options)) }
    }

    @Test func `a hello that is too long is not read`() {
        #expect(throws: PeerProtocolError.payloadLength(type: 1, length: 4097)) {
            try PeerHello([UInt8](repeating: 0, count: 4097))
        }
    }

    // MARK: Close

    @Test func `bytes and close are the same thing both ways`() throws {
        let close = PeerClose(.duplicate, "the other one stays")
        #expect(try PeerClose(close.encoded) == close)
        #expect(hexText(PeerClose(.stopping).encoded) == "810500020001")
        #expect(try PeerClose(hex("8105 0002 ffee 0010 0002 1b5b")) == PeerClose(.init(rawValue: 0xffee), " ["))
        #expect(throws: PeerProtocolError.missingOption(.close, type: 0x8105)) { try PeerClose([]) }
    }

    // MARK: Anything

    @Test func `random and mutated bytes are refused or read, and what is read is written as it was`() throws {
        var random = SystemRandomNumberGenerator()
        for round in 0..<50_000 {
            var bytes = Self.hello.encoded
            if round % 2 == 0 {
                bytes = (0..<Int.random(in: 0...64)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            } else {
                for _ in 0...Int.random(in: 0...3) {
                    bytes[Int.random(in: 0..<bytes.count)] ^= 1 << UInt8.random(in: 0...7)
                }
            }
            if let hello = try? PeerHello(bytes) { #expect(try PeerHello(hello.encoded) == hello) }
            if let close = try? PeerClose(bytes) { #expect(try PeerClose(close.encoded) == close) }
            _ = try? PeerFrameHeader(bits: random.next())
        }
    }
}

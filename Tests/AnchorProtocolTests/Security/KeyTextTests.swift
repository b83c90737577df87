import AnchorProtocol
import Testing

@Suite struct KeyTextTests {
    private static let digits = "000102030405060708090a0b0c0d0e0f"

    @Test(arguments: [
        digits, digits.uppercased(), "  \(digits)\n", "# node 1\n00010203 04050607\n08090a0b 0c0d0e0f # end\r\n",
        "00:01:02:03:04:05:06:07:08-09-0a-0b-0c-0d-0e-0f", "\t\(digits)\n\n# more",
    ])
    func `a key may be laid out as its writer likes`(text: String) throws {
        #expect(try KeyText.parse(text) == [UInt8](0...15))
    }

    private static let wrong: [(String, KeyError)] = [
        ("", KeyError.noKey),
        ("# nothing\n \n", .noKey),
        ("0001", .keyLength(2)),
        (String(repeating: "0a1b", count: 33), .keyLength(66)),
        ("\(digits)1", .oddDigits(33)),
        ("0001\n02 0g", .notHexadecimal("g", line: 2, column: 5)),
        ("0x\(digits)", .notHexadecimal("x", line: 1, column: 2)),
        (":\(digits)", .notHexadecimal(":", line: 1, column: 1)),
        ("\"\(digits)\"", .notHexadecimal("\"", line: 1, column: 1)),
        ("０１\(digits)", .notHexadecimal("０", line: 1, column: 1)),
        ("\u{feff}\(digits)", .notHexadecimal("\u{feff}", line: 1, column: 1)),
        (String(repeating: "00", count: 32), .sameByte(0)),
    ]

    @Test(arguments: wrong)
    func `what is not a key is refused with its place`(text: String, expected: KeyError) {
        #expect(throws: expected) { try KeyText.parse(text) }
    }

    @Test func `an error tells what to do and never the key`() {
        let secret = "deadbeefdeadbeefdeadbeefdeadbe"
        let error = #expect(throws: KeyError.self) { try KeyText.parse(secret) }
        #expect(
            "\(error!)"
                == "the key has 15 bytes; it must have 16 to 64. 'openssl rand -hex 32' makes one")
        #expect("\(KeyError.reservedSPI)".contains("choose one from 256"))
    }
}

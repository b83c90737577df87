/// A key as it is written in a configuration or a key file: pairs of hexadecimal digits, 16 to 64 bytes of them. Spaces,
/// line ends, and colons or hyphens between bytes count for nothing; `#` begins a comment that goes to the end of its line.
public enum KeyText {
    /// - Throws: `KeyError` with the place of what is wrong. It never holds the key, and only the one character that
    ///   cannot be part of one, so that it may be logged.
    public static func parse(_ text: String) throws(KeyError) -> [UInt8] {
        var bytes: [UInt8] = []
        var upper: UInt8?
        var line = 1
        var column = 0
        var inComment = false
        for character in text {
            column += 1
            if character.isNewline {
                line += 1
                column = 0
                inComment = false
            } else if inComment || character.isWhitespace {
                continue
            } else if character == "#" {
                inComment = true
            } else if upper == nil, !bytes.isEmpty, character == ":" || character == "-" {
                continue
            } else if let digit = character.asciiHexDigit {
                if let high = upper {
                    bytes.append(high << 4 | digit)
                    upper = nil
                } else {
                    upper = digit
                }
            } else {
                throw .notHexadecimal(character, line: line, column: column)
            }
        }
        guard upper == nil else { throw .oddDigits(bytes.count * 2 + 1) }
        guard !bytes.isEmpty else { throw .noKey }
        guard SecurityAssociation.keyLengths.contains(bytes.count) else { throw .keyLength(bytes.count) }
        guard bytes.contains(where: { $0 != bytes[0] }) else { throw .sameByte(bytes[0]) }
        return bytes
    }
}

extension Character {
    /// The value of an ASCII hexadecimal digit. `hexDigitValue` takes full-width ones as well.
    fileprivate var asciiHexDigit: UInt8? { isASCII ? hexDigitValue.map(UInt8.init) : nil }
}

/// Why something cannot be a key.
public enum KeyError: Error, Hashable, Sendable {
    /// SPI 0 means "no authenticator".
    case reservedSPI
    case keyLength(Int)
    /// Nothing but comments and spaces.
    case noKey
    /// Line and column are counted from 1.
    case notHexadecimal(Character, line: Int, column: Int)
    case oddDigits(Int)
    /// All bytes are alike: a placeholder that was never replaced.
    case sameByte(UInt8)
}

extension KeyError: CustomStringConvertible {
    public var description: String {
        let lengths = SecurityAssociation.keyLengths
        return switch self {
        case .reservedSPI: "security parameters index 0 means 'not authenticated'; choose one from 256 on"
        case .keyLength(let count):
            "the key has \(count) \(count == 1 ? "byte" : "bytes"); it must have \(lengths.lowerBound) to \(lengths.upperBound). "
                + Self.makeOne
        case .noKey: "there is no key. " + Self.makeOne
        case .notHexadecimal(let character, let line, let column):
            "'\(character)' (line \(line), column \(column)) is not a hexadecimal digit; a key is written as "
                + "\(lengths.lowerBound) to \(lengths.upperBound) pairs of them"
        case .oddDigits(let count): "the key has \(count) hexadecimal digits, an odd number: one is missing"
        case .sameByte(let byte):
            "all bytes of the key are \(byte), as in a placeholder. " + Self.makeOne
        }
    }

    private static let makeOne = "'openssl rand -hex 32' makes one"
}

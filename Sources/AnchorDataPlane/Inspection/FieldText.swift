import FlowAnchorABI
import Glibc
import NetworkTypes

/// How numbers of the maps are written in a ``MapEntry``.
enum FieldText {
    /// Names of the bits that are set, a space between them; bits without a name in hexadecimal at the end.
    static func flags(_ bits: UInt32, _ names: KeyValuePairs<UInt32, String>) -> String {
        var left = bits
        var words: [String] = []
        for (bit, name) in names where bits & bit != 0 {
            words.append(name)
            left &= ~bit
        }
        if left != 0 { words.append("0x" + String(left, radix: 16)) }
        return words.joined(separator: " ")
    }

    static func seconds(_ duration: Duration) -> String { "\(duration.components.seconds) s" }

    static func bytes(_ count: some BinaryInteger) -> String { "\(count) B" }

    /// The name of an interface of this network namespace; `nil` if there is none of that index.
    static func interface(_ index: UInt32) -> String? {
        var name = [CChar](repeating: 0, count: Int(IF_NAMESIZE) + 1)
        guard if_indextoname(index, &name) != nil else { return nil }
        return String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

import AnchorProtocol
import Testing

/// Options that are wrong, and the error that says so.
struct Malformed: Sendable, CustomTestStringConvertible {
    var flags: UInt16
    var options: String
    var error: MessageError

    init(_ options: String..., error: MessageError, flags: UInt16 = 0) {
        self.options = options.joined(separator: " ")
        self.error = error
        self.flags = flags
    }

    var testDescription: String { "\(error)" }
}

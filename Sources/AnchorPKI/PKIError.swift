/// Why something of the public key infrastructure was not made, read or accepted.
public struct PKIError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Kind: Hashable, Sendable {
        /// What was asked for or read makes no sense; nothing was changed.
        case invalid
        /// There is no such file.
        case notFound
        /// There is one already, and it stays as it is.
        case exists
        /// The file system refuses for lack of permission.
        case notPermitted
        /// The file system or the cryptography failed.
        case failed
    }

    public var kind: Kind
    /// What is wrong, with the file or value that it is about.
    public var detail: String
    /// What to do about it.
    public var nextStep: String?

    public init(_ kind: Kind, _ detail: String, nextStep: String? = nil) {
        self.kind = kind
        self.detail = detail
        self.nextStep = nextStep
    }

    public var description: String { nextStep.map { "\(detail); \($0)" } ?? detail }
}

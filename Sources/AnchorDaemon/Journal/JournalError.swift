import Glibc

/// Stable storage failed. What was stored before is as it was.
public struct JournalError: Error, Hashable, Sendable {
    /// Such as "write".
    public var operation: String
    public var path: String
    /// errno; 0 where the contents are the matter.
    public var code: Int32
    public var nextStep: String

    init(_ operation: String, _ path: String, code: Int32 = errno, nextStep: String? = nil) {
        self.operation = operation
        self.path = path
        self.code = code
        self.nextStep = nextStep ?? JournalError.nextStep(for: code)
    }

    private static func nextStep(for code: Int32) -> String {
        switch code {
        case ENOSPC, EDQUOT: "make room on its file system"
        case EACCES, EPERM, EROFS: "give this process the right to write there, or choose another state-directory"
        case EIO: "the disk fails: replace it"
        default: "check state-directory in the configuration"
        }
    }
}

extension JournalError: CustomStringConvertible {
    public var description: String {
        "\(operation) \(path)" + (code == 0 ? "" : ": \(String(cString: strerror(code)))") + "; \(nextStep)"
    }
}

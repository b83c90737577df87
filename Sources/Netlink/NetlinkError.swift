import CNetlink
import Glibc

/// A request to the kernel that failed: what was asked for, about what, and why not.
public struct NetlinkError: Error, Hashable, Sendable {
    /// What was tried, for example `add address`.
    public let operation: String
    /// What it was tried on, for example `10.1.0.7/24 on wlan0`.
    public let object: String
    /// The kernel's errno, positive.
    public let code: Int32
    /// The kernel's own words (its extended acknowledgement) where it gave any, otherwise those of the C library.
    public let cause: String

    public init(operation: String, object: String, code: Int32, cause: String? = nil) {
        self.operation = operation
        self.object = object
        self.code = code
        self.cause = cause ?? String(cString: strerror(code))
    }

    /// The name of `code`, for example `EEXIST`.
    public var name: String { strerrorname_np(code).map { String(cString: $0) } ?? "errno \(code)" }
}

extension NetlinkError: CustomStringConvertible {
    public var description: String { "cannot \(operation) \(object): \(name): \(cause)" }
}

/// Why the daemon did not start, or had to stop.
public struct DaemonError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What failed, why, and what to do about it.
    public var description: String
    /// As in `sysexits.h`.
    public var exitCode: Int32

    public init(_ description: String, exitCode: Int32) {
        self.description = description
        self.exitCode = exitCode
    }

    /// EX_UNAVAILABLE: something that it needs is missing.
    static func unavailable(_ text: String) -> DaemonError { DaemonError(text, exitCode: 69) }
    /// EX_OSERR: the kernel refused.
    static func system(_ text: String) -> DaemonError { DaemonError(text, exitCode: 71) }
    /// EX_IOERR: files could not be read or written.
    static func storage(_ text: String) -> DaemonError { DaemonError(text, exitCode: 74) }
    /// EX_TEMPFAIL: another daemon runs this instance.
    static func inUse(_ text: String) -> DaemonError { DaemonError(text, exitCode: 75) }
    /// EX_NOPERM: privileges are missing.
    static func notPermitted(_ text: String) -> DaemonError { DaemonError(text, exitCode: 77) }
}

import Foundation

/// A process that runs beside the lab until it is stopped, its output in a log file.
public final class BackgroundProcess {
    public let name: String
    public let pid: pid_t
    public let logPath: String
    private var status: Int32?

    /// - Parameters:
    ///   - logPath: the file for standard output and standard error, appended to.
    ///   - outputPath: another file for standard output alone.
    public init(_ command: Command, name: String, logPath: String, outputPath: String? = nil) throws {
        self.name = name
        self.logPath = logPath
        let log = try openForAppending(logPath)
        defer { close(log) }
        let output = try outputPath.map(openForAppending) ?? log
        defer { if output != log { close(output) } }
        pid = try command.spawn(input: nil, output: output, errors: log)
        RemovalOnSignal.forget(pid)
    }

    /// The exit code once it has ended, `nil` while it runs.
    public var exitStatus: Int32? {
        if status == nil { status = reap(pid) }
        return status
    }

    public var isRunning: Bool { exitStatus == nil }

    /// What it has printed so far.
    public var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

    public func signal(_ number: Int32) {
        if isRunning { kill(pid, number) }
    }

    /// Asks it to end and kills its group when it does not.
    public func stop(_ number: Int32 = SIGTERM, timeout: Duration = .seconds(5)) {
        signal(number)
        if !pollUntil(timeout: timeout, { !isRunning }) {
            kill(-pid, SIGKILL)
            status = reap(pid, wait: true)
        }
    }

    /// Waits until the condition holds.
    /// - Throws: ``LabError/processEnded(_:_:)`` with the log if it ends before, or ``LabError/timedOut(_:)``.
    public func waitUntil(_ what: String, timeout: Duration = .seconds(10), _ condition: () -> Bool) throws {
        let reached = pollUntil(timeout: timeout) { condition() || !isRunning }
        guard condition() else {
            guard reached else { throw LabError.timedOut("\(name): \(what). Its log:\n\(log)") }
            throw LabError.processEnded(name, "with status \(exitStatus ?? -1) before \(what). Its log:\n\(log)")
        }
    }

    /// - Returns: its exit code, or `nil` if it is still running when the time is used up.
    public func wait(timeout: Duration) -> Int32? {
        _ = pollUntil(timeout: timeout) { !isRunning }
        return exitStatus
    }
}

private func openForAppending(_ path: String) throws -> Int32 {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw LabError.file(path, String(cString: strerror(errno))) }
    return descriptor
}

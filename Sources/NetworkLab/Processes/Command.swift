import Foundation

/// What a finished command left behind.
public struct CommandResult: Sendable {
    /// The exit code, or 128 plus the number of the signal that ended it.
    public let status: Int32
    public let output: String
    public let errors: String

    public var succeeded: Bool { status == 0 }
}

/// A command line, run to its end or left running; inside a network namespace where one is named.
///
/// Namespaces are entered with `nsenter` rather than `ip netns exec`: the latter mounts a fresh
/// `/sys`, which hides the BPF file system.
public struct Command: Sendable {
    public var arguments: [String]
    public var namespace: String?
    /// Written to its standard input, which is then closed.
    public var input: String?

    public init(_ arguments: [String], in namespace: String? = nil, input: String? = nil) {
        self.arguments = arguments
        self.namespace = namespace
        self.input = input
    }

    /// With the namespace's entry in front.
    var commandLine: [String] {
        guard let namespace else { return arguments }
        return ["nsenter", "--net=/run/netns/\(namespace)", "--"] + arguments
    }

    /// Runs to the end and returns what came out, whatever the exit code.
    /// - Throws: ``LabError/cannotStart(_:_:)``, or ``LabError/timedOut(_:)`` once the time is used up; the process is
    ///   killed then.
    public func run(timeout: Duration = .seconds(30)) throws -> CommandResult {
        let (output, errors) = (try TemporaryFile(), try TemporaryFile())
        let source = try input.map { try TemporaryFile(content: $0) }
        let pid = try spawn(input: source?.descriptor, output: output.descriptor, errors: errors.descriptor)
        defer { RemovalOnSignal.forget(pid) }
        var status: Int32?
        let ended = pollUntil(timeout: timeout, every: 1) {
            status = reap(pid)
            return status != nil
        }
        guard ended, let status else {
            kill(-pid, SIGKILL)
            _ = reap(pid, wait: true)
            throw LabError.timedOut("`\(text)` to end")
        }
        return CommandResult(status: status, output: try output.read(), errors: try errors.read())
    }

    /// Runs to the end and returns its standard output.
    /// - Throws: ``LabError/commandFailed(_:_:)`` for any exit code but 0.
    @discardableResult
    public func check(timeout: Duration = .seconds(30)) throws -> String {
        let result = try run(timeout: timeout)
        guard result.succeeded else {
            throw LabError.commandFailed(text, "exit code \(result.status): \(result.errors)\(result.output)")
        }
        return result.output
    }

    var text: String { arguments.joined(separator: " ") }

    /// Starts the process as the leader of a group of its own, so that a Ctrl-C at the terminal
    /// reaches the lab alone, which then ends its processes in order.
    func spawn(input: Int32?, output: Int32, errors: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let input {
            posix_spawn_file_actions_adddup2(&actions, input, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        posix_spawn_file_actions_adddup2(&actions, errors, 2)

        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        var all = sigset_t()
        sigemptyset(&none)
        sigfillset(&all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

        let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        let line = commandLine
        return try RemovalOnSignal.start {
            var pid: pid_t = 0
            let result = withCStrings(line) { argv in
                withCStrings(environment) { envp in
                    posix_spawnp(&pid, line[0], &actions, &attributes, argv, envp)
                }
            }
            guard result == 0 else { throw LabError.cannotStart(text, String(cString: strerror(result))) }
            return pid
        }
    }
}

/// The exit code of a child that has ended, in the form of ``CommandResult/status``; `nil` while it runs.
func reap(_ pid: pid_t, wait: Bool = false) -> Int32? {
    var status: Int32 = 0
    while true {
        let result = waitpid(pid, &status, wait ? 0 : WNOHANG)
        if result == 0 { return nil }
        if result < 0 && errno == EINTR { continue }
        if result < 0 { return -1 }
        let signal = status & 0x7f
        return signal == 0 ? status >> 8 & 0xff : 128 + signal
    }
}

private func withCStrings<R>(_ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> R) -> R {
    var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
    defer { pointers.forEach { free($0) } }
    pointers.append(nil)
    return body(pointers)
}

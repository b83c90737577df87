import Foundation

/// A lab on this machine, whoever made it.
public struct RunningLab: Sendable {
    public let identity: LabIdentity
    /// Names of its machines.
    public let machines: [String]
    /// Whether `lab up` has left it running.
    public let isKept: Bool

    public var id: String { identity.id }

    public static func all() -> [RunningLab] {
        LabRemoval.known().map { identity in
            RunningLab(
                identity: identity,
                machines: LabRemoval.namespaces(of: identity).map { String($0.dropFirst(identity.prefix.count)) },
                isKept: LabRemoval.owner(of: identity)?.kept ?? false)
        }
    }

    /// - Parameter id: `nil` for the only one.
    /// - Throws: ``LabError/noSuchLab(_:known:)``.
    public static func named(_ id: String?) throws -> RunningLab {
        let running = all()
        if id == nil, running.count == 1 { return running[0] }
        guard let id, let lab = running.first(where: { $0.id == id }) else {
            throw LabError.noSuchLab(id ?? "chosen", known: running.map(\.id))
        }
        return lab
    }

    public func remove() { LabRemoval.remove(identity) }

    /// Replaces this process by a command on a machine, by default the user's shell.
    public func enter(_ machine: String, command: [String]) throws -> Never {
        guard machines.contains(machine) else {
            throw LabError.unknownName("machine", machine, known: machines)
        }
        let shell = ProcessInfo.processInfo.environment["SHELL"] ?? "/bin/sh"
        let line = Command(command.isEmpty ? [shell] : command, in: identity.namespace(machine)).commandLine
        var arguments: [UnsafeMutablePointer<CChar>?] = line.map { strdup($0) }
        arguments.append(nil)
        // This thread may have signals blocked and the process some ignored, which programs inherit.
        var none = sigset_t()
        sigemptyset(&none)
        pthread_sigmask(SIG_SETMASK, &none, nil)
        for number in [SIGPIPE, SIGTERM, SIGHUP] { signal(number, SIG_DFL) }
        execvp(line[0], &arguments)
        throw LabError.cannotStart(line.joined(separator: " "), String(cString: strerror(errno)))
    }
}

import ArgumentParser
import ControlAPI
import Foundation

/// Which daemon to talk to, and how to print what it says.
struct Connection: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The daemon's control socket.",
            discussion: "Default: $FLOWANCHOR_SOCKET, or the only socket in /run/flowanchor."))
    var socket: String?

    @Option(name: .shortAndLong, help: "How to print: table, json or jsonl.")
    var output = OutputFormat.table

    /// Runs `body` with a client, and ends the program with a code that tells the kind of failure.
    func run(_ body: (ControlClient) async throws(ControlError) -> Void) async throws {
        do {
            try await body(ControlClient(socket: try resolvedSocket()))
        } catch {
            throw exit(with: error)
        }
    }

    /// Says what is wrong on standard error.
    func exit(with error: ControlError) -> ExitCode {
        FileHandle.standardError.write(Data("anchorctl: \(error)\n".utf8))
        return ExitCode(error.kind.exitCode)
    }

    private func resolvedSocket() throws(ControlError) -> String {
        if let socket { return socket }
        if let socket = ProcessInfo.processInfo.environment["FLOWANCHOR_SOCKET"] { return socket }
        let folder = "/run/flowanchor"
        let found = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
            .filter { $0.hasSuffix(".sock") }.sorted()
        switch found.count {
        case 1: return "\(folder)/\(found[0])"
        case 0:
            throw ControlError(
                .unreachable, "no daemon's socket in \(folder)",
                nextStep: "start one with 'anchord --config FILE', or name its socket with --socket")
        default:
            throw ControlError(
                .invalid, "several daemons run here: \(found.joined(separator: ", "))",
                nextStep: "choose one with --socket \(folder)/\(found[0])")
        }
    }
}

extension ControlError.Kind {
    /// sysexits(3), as the command's help lists them.
    var exitCode: Int32 {
        switch self {
        case .invalid: 65
        case .notFound: 66
        case .unreachable: 69
        case .failure: 70
        case .conflict: 73
        case .unavailable: 75
        case .forbidden: 77
        }
    }
}

import AnchorDaemon
import ArgumentParser
import ControlAPI
import Foundation

/// Looks at this machine as the daemon will find it. Changes nothing.
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check kernel, privileges and interfaces; each failure comes with the command that mends it.")

    @Option(name: .shortAndLong, help: "Configuration whose interfaces to check as well.") var config: String?
    @Option(name: .shortAndLong, help: "How to print: table, json or jsonl.") var output = OutputFormat.table

    func run() throws {
        var findings = MachineChecks().findings
        if let config {
            do {
                let configuration = try DaemonConfiguration(file: config)
                findings += InterfaceChecks(configuration).findings
                findings += CertificateChecks(configuration)?.findings ?? []
            } catch {
                findings.append(
                    .failed(
                        "configuration", "\(error)", mend: "edit \(config), then 'anchorctl config check \(config)'"))
            }
        }
        try output.printList(findings)
        if findings.contains(where: { $0.result == .failed }) { throw ExitCode(1) }
    }
}

/// What one check found.
struct Finding: Encodable, TableRow {
    enum Result: String, Encodable {
        case passed
        /// Works, and could be better.
        case warning
        case failed
    }

    var check: String
    var result: Result
    var detail: String
    /// The command that mends it.
    var mend: String?

    static func passed(_ check: String, _ detail: String) -> Finding {
        Finding(check: check, result: .passed, detail: detail)
    }

    static func warning(_ check: String, _ detail: String, mend: String) -> Finding {
        Finding(check: check, result: .warning, detail: detail, mend: mend)
    }

    static func failed(_ check: String, _ detail: String, mend: String) -> Finding {
        Finding(check: check, result: .failed, detail: detail, mend: mend)
    }

    static var columns: [String] { ["CHECK", "RESULT", "DETAIL", "TO MEND IT"] }

    var cells: [String] { [check, result.rawValue, detail, mend ?? ""] }
}

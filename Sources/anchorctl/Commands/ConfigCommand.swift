import AnchorDaemon
import ArgumentParser
import ControlAPI
import Foundation

struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config", abstract: "Configuration files.", subcommands: [Check.self])

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Name every mistake in a configuration file, with its line.")
        @Argument(help: "The file (TOML).") var file: String
        @Option(name: .shortAndLong, help: "How to print: table, json or jsonl.") var output = OutputFormat.table

        func run() throws {
            do {
                _ = try DaemonConfiguration(file: file)
                try output.printList([ConfigurationProblem]())
            } catch let error as ConfigurationError {
                try output.printList(error.problems)
                throw ExitCode(78)  // EX_CONFIG
            }
        }
    }
}

extension ConfigurationProblem: TableRow {
    static var columns: [String] { ["LINE", "KEY", "MISTAKE"] }

    var cells: [String] { ["\(line)", key, message] }
}

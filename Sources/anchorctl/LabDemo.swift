import ArgumentParser
import Foundation
import NetworkLab
import NetworkTypes

extension LabCommand {
    struct Story: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "demo",
            abstract: "Tell the story: a download goes on while its laptop moves from router to router.")

        @Option(help: "4 or 6.") var family = AddressFamily.v4

        func run() throws {
            try Tools.checkAll()
            RemovalOnSignal.install()
            LabRemoval.sweep()
            let demo = try Demo(family, isTerminal: isatty(STDOUT_FILENO) == 1) { text in
                FileHandle.standardOutput.write(Data(text.utf8))
            }
            defer { demo.close() }
            guard try demo.run() else { throw ExitCode(1) }
        }
    }
}

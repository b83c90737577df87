import ArgumentParser
import Foundation
import NetworkLab
import NetworkTypes

extension LabCommand {
    struct Story: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "demo",
            abstract: "Tell the story: a download goes on while its node moves from router to router.")

        enum Mode: String, ExpressibleByArgument, CaseIterable {
            /// A laptop that takes part.
            case modeA = "mode-a"
            /// A phone that knows nothing.
            case modeD = "mode-d"
        }

        @Argument(help: "mode-a: a laptop that takes part; mode-d: a phone that knows nothing of its routers.")
        var mode = Mode.modeA
        @Option(help: "4 or 6; mode-d tells it in IPv4, which is translated.") var family = AddressFamily.v4

        func validate() throws {
            if mode == .modeD, family == .v6 { throw ValidationError("mode-d is told in IPv4") }
        }

        func run() throws {
            try Tools.checkAll()
            RemovalOnSignal.install()
            LabRemoval.sweep()
            let isTerminal = isatty(STDOUT_FILENO) == 1
            func write(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }
            let demo: any Demo =
                switch mode {
                case .modeA: try AwareDemo(family, isTerminal: isTerminal, write: write)
                case .modeD: try UnawareDemo(isTerminal: isTerminal, write: write)
                }
            defer { demo.close() }
            guard try demo.run() else { throw ExitCode(1) }
        }
    }
}

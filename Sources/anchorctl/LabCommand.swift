import ArgumentParser
import Foundation
import NetworkLab
import NetworkTypes

/// `anchorctl lab`: networks in namespaces, on this machine, to see the packet walks in.
struct LabCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lab",
        abstract: "Build networks in namespaces and run the packet walks in them.",
        subcommands: [List.self, Up.self, Run.self, Shell.self, Down.self, Story.self, Bench.self, Traffic.self])

    struct List: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the scenarios, and the labs that are running.")

        @Flag(help: "One JSON object a line.") var json = false

        func run() throws {
            struct Row: Encodable { var kind, name, summary: String }
            let rows =
                Scenario.all.map { Row(kind: "scenario", name: $0.name, summary: $0.summary) }
                + RunningLab.all().map {
                    Row(kind: "lab", name: $0.id, summary: $0.machines.joined(separator: " "))
                }
            for row in rows {
                if json {
                    try printJSON(row)
                } else {
                    print(row.kind.padded(10) + row.name.padded(12) + row.summary)
                }
            }
        }
    }

    struct Down: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "End labs that `lab up` has left running.")

        @Argument(help: "Name of the lab; not needed if only one is running.") var lab: String?
        @Flag(help: "All that nobody uses any more or that `lab up` left running.") var all = false

        func run() throws {
            LabRemoval.sweep()
            if all {
                RunningLab.all().filter(\.isKept).forEach { $0.remove() }
            } else {
                try RunningLab.named(lab).remove()
            }
        }
    }

    struct Shell: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Enter a machine of a running lab.",
            discussion: "Without a command, your shell is started there. `anchorctl lab shell mn -- ip addr`")

        @Argument(help: "The machine: mn, ar1, fw1, net, cn, …") var machine: String
        @Option(help: "Name of the lab; not needed if only one is running.") var lab: String?
        @Argument(parsing: .postTerminator, help: "What to run there.") var command: [String] = []

        func run() throws {
            try RunningLab.named(lab).enter(machine, command: command)
        }
    }
}

extension AddressFamily: ExpressibleByArgument {
    public init?(argument: String) {
        switch argument {
        case "4", "v4", "ipv4": self = .v4
        case "6", "v6", "ipv6": self = .v6
        default: return nil
        }
    }
}

extension String {
    /// With blanks behind it, up to so many characters and at least one.
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}

func printJSON(_ value: some Encodable) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    print(String(decoding: try encoder.encode(value), as: UTF8.self))
    fflush(nil)
}

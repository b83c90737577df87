import ArgumentParser
import ControlAPI
import NetworkTypes

struct FlowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow", abstract: "The flow table of a mobile node.",
        subcommands: [List.self, Show.self, Anchors.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All flows, in the form of Figure 4.")
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.flows())
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Flows with one correspondent.")
        @Argument(help: "The correspondent's address (CN).") var correspondent: IPAddress
        @Option(help: "Only the flow that leaves from this port.") var port: UInt16?
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                let flows = try await client.flows().filter {
                    $0.correspondent == correspondent && (port == nil || $0.port == port)
                }
                guard !flows.isEmpty else { throw ControlError(.notFound, "no flow with \(correspondent)") }
                try connection.output.printList(flows)
            }
        }
    }

    struct Anchors: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Own addresses and the routers that anchor them.")
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.anchors())
            }
        }
    }
}

struct AttachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach", abstract: "Have a mobile node attach on an interface now.")

    @Argument(help: "The interface.") var interface: String
    @Option(help: "Attach to the router of this number only.") var router: UInt64?
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ControlError) in
            try await client.attach(AttachModel(interface: interface, router: router))
        }
    }
}

import ArgumentParser
import ControlAPI
import NetworkTypes

struct FlowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "flow", abstract: "The flow table of a mobile node; the translated flows of an access router.",
        subcommands: [List.self, Show.self, Anchors.self, FlowExplainCommand.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "All flows, in the form of Figure 4.",
            discussion: "On an access router: those that it translates, by inside and outside address.")
        @Option(help: "Only flows of this own address, or of this inside host.") var host: IPAddress?
        @Option(name: .customLong("protocol"), help: "Only flows of this protocol: tcp, udp or icmp.")
        var transport: TranslatedFlowQuery.Transport?
        @Option(help: "At most so many.") var limit: Int?
        @OptionGroup var connection: Connection

        func validate() throws {
            if let limit, limit < 1 { throw ValidationError("--limit is a positive number") }
        }

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                if try await client.status().roles.contains("access-router") {
                    let query = TranslatedFlowQuery(host: host, transport: transport, limit: limit ?? .max)
                    return try connection.output.printList(try await client.translatedFlows(query))
                }
                let flows = try await client.flows().filter { flow in
                    (host == nil || flow.address == host)
                        && (transport == nil || flow.transport == transport?.rawValue)
                }
                try connection.output.printList(Array(flows.prefix(limit ?? .max)))
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

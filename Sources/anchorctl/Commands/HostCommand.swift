import ArgumentParser
import ControlAPI
import NetworkTypes

struct HostCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "host", abstract: "The host table of an access router.",
        subcommands: [List.self, Show.self, Add.self, Delete.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All hosts, in the form of Figure 4.")
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.hosts())
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One host.")
        @Argument(help: "Its address at this router (oMN).") var address: IPAddress
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printOne(try await client.host(address))
            }
        }
    }

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a host by hand, or replace one.",
            discussion: "It has no lifetime. Either --interface and --mac, or --care-of, or all of them (both in use).")
        @Argument(help: "Its address at this router (oMN).") var address: IPAddress
        @Option(help: "Access interface that it is on.") var interface: String?
        @Option(help: "Its MAC on that link.") var mac: MACAddress?
        @Option(help: "Care-of address (nMN) to which its packets are tunnelled.") var careOf: IPAddress?
        @Option(help: "Tunnel by GRE with this key rather than by IP-in-IP.") var key: UInt32?
        @Flag(help: "GRE with sequence numbers.") var sequenced = false
        @Option(help: "Server chain that its flows pass.") var chain: String?
        @OptionGroup var connection: Connection

        func validate() throws {
            guard interface != nil || careOf != nil else {
                throw ValidationError("say where it is: --interface NAME --mac MAC, or --care-of ADDRESS")
            }
            guard (interface == nil) == (mac == nil) else { throw ValidationError("--interface and --mac go together") }
            guard !sequenced || key != nil else { throw ValidationError("--sequenced goes with --key") }
        }

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                let host = StaticHostModel(
                    address: address, interface: interface, mac: mac, careOf: careOf, key: key,
                    sequenced: key == nil ? nil : sequenced, chain: chain)
                try connection.output.printOne(try await client.setHost(host))
            }
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Remove a host; its flows through here end.")
        @Argument(help: "Its address at this router (oMN).") var address: IPAddress
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in try await client.deleteHost(address) }
        }
    }
}

extension MACAddress: ExpressibleByArgument {}

import ArgumentParser
import ControlAPI

struct ServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "server", abstract: "The servers of an access router.",
        subcommands: [List.self, Down.self, Up.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "All servers and whether packets pass them.",
            discussion: "STATE is up while LINK is up (all of its legs) and MARK is not down (an operator's).")
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.servers())
            }
        }
    }

    struct Down: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a server out of service, as if its links were lost.",
            discussion: "Packets bypass it or are refused, as 'when-down' says. It lasts until 'server up', also over "
                + "restarts of the daemon.")
        @Argument(help: "The server's name.") var name: String
        @OptionGroup var connection: Connection

        func run() async throws { try await ServerCommand.set(name, .down, connection) }
    }

    struct Up: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put a server back into service.",
            discussion: "It is up then if its links are. A stateful server has missed what bypassed it, and may refuse "
                + "connections that went on meanwhile.")
        @Argument(help: "The server's name.") var name: String
        @OptionGroup var connection: Connection

        func run() async throws { try await ServerCommand.set(name, .up, connection) }
    }

    private static func set(_ name: String, _ state: ServerStateModel.State, _ connection: Connection) async throws {
        try await connection.run { client throws(ControlError) in
            try connection.output.printOne(try await client.setServerState(name, ServerStateModel(state: state)))
        }
    }
}

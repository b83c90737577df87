import ArgumentParser
import ControlAPI
import NetworkTypes

struct NATCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nat", abstract: "Hosts whose packets an access router translates, and their ports.",
        subcommands: [List.self, Show.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "All of them: outside address, blocks of ports, ports in use, flows.",
            discussion: "'anchorctl flow list' shows their flows.")
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.subscribers())
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One of them.")
        @Argument(help: "Its inside address.") var address: IPAddress
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printOne(try await client.subscriber(address))
            }
        }
    }
}

extension SubscriberModel: TableRow {
    static var columns: [String] {
        ["INSIDE", "OUTSIDE", "PORTS", "TCP", "UDP", "ICMP", "FLOWS", "LIMIT", "REFUSED"]
    }

    var cells: [String] {
        [
            "\(inside)", "\(outside)", ports.joined(separator: " "), "\(tcp)", "\(udp)", "\(icmp)", "\(flows)",
            "\(flowLimit)", "\(refused)",
        ]
    }
}

extension TranslatedFlowModel: TableRow {
    static var columns: [String] { ["PROTOCOL", "INSIDE", "ANCHOR", "OUTSIDE", "CN", "STATE", "IDLE UP", "IDLE DOWN"] }

    var cells: [String] {
        [
            transport, "\(inside):\(insidePort)", anchor ?? "here",
            outside.map { "\($0):\(outsidePort ?? 0)" } ?? "-",
            transport == "icmp" ? "\(correspondent)" : "\(correspondent):\(correspondentPort)", state,
            Optional(idleUp).seconds, Optional(idleDown).seconds,
        ]
    }
}

extension TranslatedFlowQuery.Transport: ExpressibleByArgument {}

import ArgumentParser
import ControlAPI
import Foundation
import NetworkTypes

struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node", abstract: "Nodes that know nothing of their routers, and roam between them.",
        subcommands: [List.self, Show.self, Attach.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Where each is, where flows of it began, and whose tables are on their way.")
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.nodes())
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One node, with its flows counted.")
        @Argument(help: "Its address.") var address: IPAddress
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printOne(try await client.node(address))
            }
        }
    }

    struct Attach: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that a node is attached here now, before it has sent anything.",
            discussion: "For access points and DHCP servers, which know before the first packet comes.")
        @Argument(help: "Its address.") var address: IPAddress
        @Option(help: "The access link that it is on.") var interface: String
        @Option(help: "Its MAC address there.") var mac: MACAddress
        @Option(help: "The router that it was at before, if it says so; without, all are asked.") var previous: String?
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try await client.attachNode(address, StationModel(interface: interface, mac: mac, previous: previous))
            }
        }
    }
}

struct HandoverCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "handover", abstract: "Moves of such nodes to and from this router.",
        subcommands: [List.self, Show.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "The last ones, the latest at the end.")
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.handovers())
            }
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "One of them, each step with its time.")
        @Argument(help: "Its number.") var number: UInt64
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                guard let found = try await client.handovers().first(where: { $0.number == number }) else {
                    throw ControlError(.notFound, "no handover \(number); only the last ones are kept")
                }
                try connection.output.printOne(found)
            }
        }
    }
}

extension NodeModel: TableRow {
    static var columns: [String] {
        ["ADDRESS", "PLACE", "EPOCH", "ROUTER", "INTERFACE", "MAC", "ANCHORS", "PENDING", "FLOWS HERE", "ELSEWHERE"]
    }

    var cells: [String] {
        func text(_ names: [String]) -> String { names.isEmpty ? "-" : names.joined(separator: " ") }
        return [
            "\(address)", place.rawValue, "\(epoch)", router ?? "-", interface ?? "-", mac.map { "\($0)" } ?? "-",
            text(anchors), text(pending), flowsHere.map(String.init) ?? "-", flowsAway.map(String.init) ?? "-",
        ]
    }
}

extension HandoverModel: TableRow {
    static var columns: [String] { ["NUMBER", "NODE", "EPOCH", "FROM", "TO", "BEGUN", "SETTLED", "WHOLE"] }

    var cells: [String] {
        func step(_ name: String) -> String {
            steps.first { $0.name == name }.map { String(format: "%.3f ms", $0.after * 1000) } ?? "-"
        }
        return [
            "\(number)", "\(address)", "\(epoch)", from ?? "-", to, Optional(begun).seconds + " ago",
            step("settled"), step("whole"),
        ]
    }
}

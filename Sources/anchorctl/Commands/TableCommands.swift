import AnchorDaemon
import ArgumentParser
import ControlAPI
import Foundation

struct MapCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "map", abstract: "The tables of the data plane.",
        subcommands: [List.self, Dump.self, Lookup.self], defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "All tables and how full they are.")
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.maps())
            }
        }
    }

    struct Dump: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Entries of a table, their fields by name.")
        @Argument(help: "The table's name, as 'map list' has it.") var name: String
        @Option(help: "At most so many.") var limit = 1000
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.mapEntries(name, key: nil, limit: limit))
            }
        }
    }

    struct Lookup: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "The entries of a table that a key names.",
            discussion: """
                The key is what 'map dump' prints first: an address in fa_hosts, fa_hosts_extra, fa_hosts_spill and \
                fa_peers; a host's address, or HOST,PEER, in fa_admitted; an interface or its number in fa_ports and \
                fa_devices; tcp,ADDRESS:PORT,CORRESPONDENT:PORT in fa_flows; a reason's name in fa_reasons; cpu0 in \
                fa_limits and fa_kernel_path; a number in the others.
                """)
        @Argument(help: "The table's name, as 'map list' has it.") var name: String
        @Argument(help: "The key; its parts may be arguments of their own.") var key: [String]
        @Option(help: "At most so many.") var limit = 1000
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                let entries = try await client.mapEntries(name, key: key.joined(separator: ","), limit: limit)
                if let entry = entries.first, entries.count == 1 {
                    try connection.output.printOne(entry)
                } else {
                    try connection.output.printList(entries)
                }
            }
        }
    }
}

struct DropCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drop", abstract: "What became of packets, by reason.", subcommands: [List.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Reasons that have counted; with --all every one.")
        @Flag(help: "Those that are 0 too, and those of packets that were not dropped.") var all = false
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                let reasons = try await client.reasons()
                try connection.output.printList(all ? reasons : reasons.filter { $0.kind == "drop" && $0.packets > 0 })
            }
        }
    }
}

struct MonitorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "monitor", abstract: "Events as they happen, until interrupted or the daemon ends.")

    @Option(help: "End after so many events.") var count: Int?
    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ControlError) in
            _ = try await client.status()
            var left = count ?? .max
            for await event in await client.events() {
                let line =
                    connection.output == .table
                    ? event.cells.joined(separator: "  ") : try connection.output.encode(event)
                // Written at once, for readers at the other end of a pipe.
                FileHandle.standardOutput.write(Data((line + "\n").utf8))
                left -= 1
                if left <= 0 { break }
            }
        }
    }
}

struct UnloadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unload",
        abstract: "Take the programs off the interfaces, remove all that is pinned, and end the daemon.")

    @Option(help: "Remove what this instance has left behind, where no daemon runs it any more.")
    var instance: String?
    @OptionGroup var connection: Connection

    func run() async throws {
        guard let instance else {
            return try await connection.run { client throws(ControlError) in try await client.unload() }
        }
        do throws(ControlError) {
            try Unloading.unload(instance)
        } catch {
            throw connection.exit(with: error)
        }
    }
}

import ArgumentParser
import ControlAPI
import Foundation

struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "status", abstract: "The daemon at a glance.")

    @OptionGroup var connection: Connection

    func run() async throws {
        try await connection.run { client throws(ControlError) in
            let status = try await client.status()
            guard connection.output == .table else {
                print(try connection.output.encode(status))
                return
            }
            print("\(status.instance): \(status.roles.joined(separator: ", ")), version \(status.version)")
            let adopted = status.adopted ? ", tables of the run before taken over" : ""
            print(String(format: "up %.0f s, epoch %u%@", status.uptime, status.epoch, adopted))
            print()
            try connection.output.printList(status.interfaces)
            print()
            try connection.output.printList(status.tables)
            for warning in status.warnings { print("\nwarning: \(warning)") }
        }
    }
}

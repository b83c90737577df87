import ArgumentParser
import ControlAPI
import Foundation

struct PeerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "peer", abstract: "The neighbours of an access router.", subcommands: [List.self, Ping.self],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "All configured neighbours and the sessions with them.",
            discussion: "WHY tells why there is no session.")
        @OptionGroup var connection: Connection

        func run() async throws {
            try await connection.run { client throws(ControlError) in
                try connection.output.printList(try await client.peers())
            }
        }
    }

    struct Ping: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Measure round trips to a neighbour over the session with it.",
            discussion:
                "Exit codes: 0 all were answered; 1 some were not; 66 no such neighbour; 75 no session with it; "
                + "73 this daemon has no [peering]; 69 the daemon can't be reached.")
        @Argument(help: "The neighbour's name.") var name: String
        @Option(help: "How many, one after the other.") var count = 3
        @Option(help: "Seconds to wait for an answer.") var timeout = 2.0
        @OptionGroup var connection: Connection

        func validate() throws {
            guard count > 0 else { throw ValidationError("--count takes a positive number") }
            guard (0.001...60).contains(timeout) else { throw ValidationError("--timeout takes 0.001 to 60") }
        }

        func run() async throws {
            var answers: [PeerPingModel] = []
            try await connection.run { client throws(ControlError) in
                for _ in 0..<count { answers.append(try await client.pingPeer(name, timeout: timeout)) }
                try connection.output.printList(answers)
            }
            guard answers.allSatisfy({ $0.roundTrip != nil }) else { throw ExitCode(1) }
        }
    }
}

extension PeerModel: TableRow {
    static var columns: [String] {
        ["NAME", "ADDRESS", "PORT", "STATE", "UP FOR", "ROUND TRIP", "ENDPOINTS", "RECEIVED", "SENT", "WHY"]
    }

    var cells: [String] {
        [
            name, "\(address)", "\(port)", state.rawValue, upFor.seconds, roundTrip.milliseconds,
            endpoints.map { $0.map(\.description).joined(separator: " ") } ?? "-", "\(bytesReceived) B",
            "\(bytesSent) B", state == .up ? "-" : lastFailure ?? "not tried yet",
        ]
    }
}

extension PeerPingModel: TableRow {
    static var columns: [String] { ["PEER", "ROUND TRIP"] }

    var cells: [String] { [peer, roundTrip == nil ? "no answer" : roundTrip.milliseconds] }
}

extension Double? {
    /// `1.234 ms` of seconds, or a dash.
    fileprivate var milliseconds: String { map { String(format: "%.3f ms", $0 * 1000) } ?? "-" }
}

import ArgumentParser
import ControlAPI
import Foundation
import NetworkTypes

struct FlowExplainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "What an access router would do with a packet of a flow, and why.",
        discussion: """
            Shows each entry that the programs look up, what was found, and what becomes of the packet with which \
            headers. Nothing is changed: no flow is made, and nothing is counted.
            """)

    @Argument(
        help: ArgumentHelp(
            "The flow, from the host: tcp,10.1.0.7:40112,203.0.113.9:443, IPv6 in brackets.",
            discussion: "Of icmp and icmpv6, echo requests, the host's port is the identifier.", valueName: "flow"))
    var flow: String
    @Option(help: "up: from the host; down: from the correspondent, to the address that it knows the host by.")
    var direction = PacketQuery.Direction.up
    @Flag(help: "TCP: a SYN, in place of a packet in the middle of a connection.") var opens = false
    @Option(help: "Where it comes in. Default: where packets of its source come in now.") var interface: String?
    @Option(help: "The station that sends it. Default: the source's own.") var mac: MACAddress?
    @Option(help: "The tunnel that it comes in, FROM,TO. Default: its source's, where that is elsewhere.")
    var tunnel: TunnelEnds?
    @Option(help: "Key of a GRE tunnel.") var key: UInt32?
    @Option(help: "Sequence number in a GRE tunnel.") var sequence: UInt32?
    @Option(help: "Bytes of the IP packet, without a tunnel's headers.") var length: Int?
    @OptionGroup var connection: Connection

    struct TunnelEnds: ExpressibleByArgument {
        var addresses: [IPAddress]

        init?(argument: String) {
            let parts = argument.split(separator: ",", omittingEmptySubsequences: false).map { IPAddress(String($0)) }
            guard parts.count == 2, let from = parts[0], let to = parts[1] else { return nil }
            addresses = [from, to]
        }
    }

    func run() async throws {
        try await connection.run { client throws(ControlError) in
            let explanation = try await client.explain(
                PacketQuery(
                    flow: flow, direction: direction, interface: interface, tunnel: tunnel?.addresses, key: key,
                    sequence: sequence, mac: mac, opens: opens, length: length))
            guard connection.output == .table else { return print(try connection.output.encode(explanation)) }
            print(explanation.text, terminator: "")
        }
    }
}

extension PacketQuery.Direction: ExpressibleByArgument {}

extension PacketExplanationModel {
    /// For people: the packet, a table of look-ups, and what becomes of it.
    var text: String {
        let rows = lookUps.map { [$0.map, $0.key, $0.foundText] }
        let table = rows.isEmpty ? "" : "\n" + TextTable.render(columns: ["MAP", "KEY", "FOUND"], rows: rows) + "\n"
        return "in     \(interface) (\(role)): \(headers) \(content)\n" + table + ending
    }

    /// What becomes of it and why, and as what it goes on.
    private var ending: String {
        let why = reason.map { "\($0): \(meaning ?? "")" } ?? (verdict == "kernel" ? "as it came" : "")
        let action = verdict.padding(toLength: 7, withPad: " ", startingAt: 0) + why + "\n"
        guard let headersAfter else { return action }
        let place = leavesBy ?? (verdict == "sent" ? "where the kernel's routes say" : "kernel")
        return action + "out    \(place): \(headersAfter) \(contentAfter ?? "")\n"
    }
}

extension LookUpModel {
    fileprivate var foundText: String {
        guard let found else { return "-" }
        return found.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: " ")
    }
}

import ArgumentParser
import Foundation
import NetworkLab

/// Measures what needs no lab. One JSON object a line, a figure each.
@main
struct AnchorBench: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "anchor-bench", abstract: "Measures FlowAnchor's parts by themselves. Needs root.",
        subcommands: [
            ForwardingBench.self, NATBench.self, NATExpiryBench.self, ChurnBench.self, RouterBench.self,
            NATRouterBench.self, Hosts.self, DaemonHosts.self, Updates.self,
        ])

    /// Prints figures as the lab's measurements print theirs.
    static func print(_ figures: [Figure]) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        for figure in figures { Swift.print(String(decoding: try encoder.encode(figure), as: UTF8.self)) }
    }
}

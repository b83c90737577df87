import ArgumentParser
import Foundation
import NetworkLab
import NetworkTypes

extension LabCommand {
    struct Run: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run scenarios, each in a lab of its own.",
            discussion: "Prints a line for each check. The exit code is 0 only if all have passed.")

        @Argument(help: "Names of scenarios, such as A2 A5 S1; all of them if none is named.") var scenarios: [String] =
            []
        @Option(help: "4 or 6; both if not given.") var family: AddressFamily?
        @Flag(help: "One JSON object a line for each scenario, instead of text.") var json = false
        @Option(help: "Keep the captures in this folder.") var pcap: String?

        func run() throws {
            let chosen = try Scenario.named(scenarios)
            try Tools.checkAll()
            RemovalOnSignal.install()
            LabRemoval.sweep()
            var failures = 0
            for scenario in chosen {
                for family in family.map({ [$0] }) ?? AddressFamily.allCases {
                    if !json { print("\(scenario.name) IPv\(family.rawValue): \(scenario.summary)") }
                    let result = scenario.run(family, pcapFolder: pcap) { check in
                        guard !json else { return }
                        let detail = check.detail.isEmpty ? "" : " (\(check.detail))"
                        print("  \(check.passed ? "ok  " : "FAIL")  \(check.name)\(detail)")
                        fflush(nil)
                    }
                    if !result.passed { failures += 1 }
                    if json {
                        try printJSON(result)
                    } else {
                        let seconds = String(format: "%.1f", result.seconds)
                        print("  \(result.passed ? "passed" : "FAILED") in \(seconds) s")
                    }
                }
            }
            if failures > 0 { throw ExitCode(1) }
        }
    }

    struct Up: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Build a lab and leave it running, until `lab down`.")

        @Option(help: "Its name, 1 to 8 lower-case letters and digits.") var name: String?
        @Option(help: "Number of access routers, 1 to 9.") var routers = 3
        @Option(help: "How the servers are connected: two-legged, one-legged or none.") var server = ServerKind
            .twoLegged
        @Option(help: "Interfaces of the mobile node, 1 or 2.") var interfaces = 1
        @Flag(help: "Without daemons: the machines and their network alone.") var bare = false

        func validate() throws {
            guard (1...9).contains(routers) else { throw ValidationError("--routers takes 1 to 9") }
            guard (1...2).contains(interfaces) else { throw ValidationError("--interfaces takes 1 or 2") }
            guard name.map({ LabIdentity($0) != nil }) ?? true else {
                throw ValidationError("--name takes 1 to 8 lower-case letters and digits")
            }
        }

        func run() throws {
            try Tools.checkAll()
            RemovalOnSignal.install()
            LabRemoval.sweep()
            let identity = name.flatMap { LabIdentity($0) } ?? .unused()
            let plan = LabPlan(routers: routers, server: server, nodeInterfaces: interfaces)
            let lab = try Lab(plan, identity: identity, kept: true)
            if !bare { try lab.startRouters() }
            try lab.attach(to: 1)
            if !bare { try lab.startNode() }
            lab.detach()
            print("Lab \(identity) is running: \(plan.machines.joined(separator: " "))")
            print("Enter a machine:  anchorctl lab shell mn --lab \(identity)")
            if !bare { print("Ask a daemon:     anchorctl status --socket \(lab.controlSocket("ar1"))") }
            print("Move the node:    anchorctl lab shell air --lab \(identity) -- ip link set node0 down master br2")
            print("                  anchorctl lab shell air --lab \(identity) -- ip link set node0 up")
            print("Remove it:        anchorctl lab down \(identity)")
        }
    }
}

extension ServerKind: ExpressibleByArgument {}

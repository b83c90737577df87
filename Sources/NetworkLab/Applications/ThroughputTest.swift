import Foundation
import NetworkTypes

/// An iperf3 of the node's with a server of its own at the correspondent, both of which send over TCP at once.
final class ThroughputTest: Application {
    let name = "iperf3"
    private let client: BackgroundProcess
    private let server: BackgroundProcess
    /// What has arrived at either end: a line for each span of time, with the amount.
    private let arrivals: [(process: BackgroundProcess, lines: LineCounter)]
    private var marks: [Int] = []

    /// - Parameter source: the address to connect from; by default the kernel's choice.
    init(on lab: Lab, family: AddressFamily, port: Int, source: IPAddress? = nil, name: String) throws {
        let interval = ["-i", "0.2", "--forceflush"]
        server = try lab.start(["iperf3", "-s", "-1", "-p", "\(port)"] + interval, on: "cn", name: "\(name)-server")
        try server.waitUntil("listening") {
            (try? lab.run(["ss", "-Htln", "sport = :\(port)"], on: "cn"))?.contains(":\(port)") ?? false
        }
        client = try lab.start(
            [
                "iperf3", "-c", "\(AddressPlan.correspondent(family))", "-p", "\(port)", "--bidir", "-b", "1M", "-t",
                "3600",
            ] + interval + (source.map { ["-B", "\($0)"] } ?? []), on: "mn", name: name)
        arrivals = [(client, "C"), (server, "S")].map { process, role in
            let lines = LineCounter(process.logPath) { $0.contains("[RX-\(role)]") && !$0.contains(" 0.00 Bytes") }
            return (process, lines)
        }
    }

    var isRunning: Bool { client.isRunning && server.isRunning }

    func markProgress() { marks = arrivals.map { $0.lines.update() } }

    func waitForProgress() throws {
        for (arrival, mark) in zip(arrivals, marks) {
            // One span may have been under way already.
            try arrival.process.waitUntil("bytes to arrive", timeout: .seconds(20)) {
                arrival.lines.update() >= mark + 2
            }
        }
    }
}

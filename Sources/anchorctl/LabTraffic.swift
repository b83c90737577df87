import ArgumentParser
import NetworkLab
import NetworkTypes

extension LabCommand {
    /// What the lab starts on its machines to send and count datagrams.
    struct Traffic: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Send and count numbered datagrams until SIGTERM.", shouldDisplay: false)

        @Option var local: IPAddress
        @Option var port: UInt16
        @Option var remote: IPAddress?
        @Option var remotePort: UInt16 = 0
        @Option var rate: Int
        @Option var record: String?

        func run() throws {
            let options = TrafficOptions(
                local: local, localPort: port, remote: remote, remotePort: remotePort, rate: rate)
            var end = try TrafficEnd(options)
            try printJSON(try end.run(recordPath: record))
        }
    }
}

extension IPAddress: ExpressibleByArgument {
    public init?(argument: String) { self.init(argument) }
}

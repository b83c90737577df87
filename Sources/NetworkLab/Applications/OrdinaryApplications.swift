import NetworkTypes

/// Servers at the correspondent for what ordinary nodes do, each with a port for each time that it is begun, so that what
/// was begun when can be told apart wherever it is seen.
final class OrdinaryServers {
    let shells: ShellServer
    let names: NameServer
    let web: WebServer

    /// - Parameters:
    ///   - web: has the TLS ports of all occasions.
    ///   - occasions: how often applications are begun.
    init(on lab: Lab, web: WebServer, occasions: Int) throws {
        self.web = web
        shells = try ShellServer(on: lab, ports: (0..<occasions).map(Self.shellPort))
        names = try NameServer(on: lab)
    }

    static func webPort(_ occasion: Int) -> Int { occasion == 0 ? 443 : 8440 + occasion }
    static func shellPort(_ occasion: Int) -> Int { occasion == 0 ? 22 : 2200 + occasion }
    static func throughputPort(_ occasion: Int) -> Int { 5201 + occasion }
    static func callPort(_ occasion: Int) -> UInt16 { 7101 + 2 * UInt16(occasion) }
    static func question(_ occasion: Int) -> String { "occasion-\(occasion).example" }
    /// Bytes of the ping.
    static func size(_ occasion: Int) -> Int { 200 + occasion }
}

/// One application of each kind, begun on one occasion.
final class OrdinaryApplications {
    let occasion: Int
    let all: [any Application]
    let call: NumberedTraffic
    let ping: EchoRequests

    /// Begins them.
    /// - Parameters:
    ///   - source: the address that they use.
    ///   - binds: they ask for that address; otherwise it is what the kernel chooses for those that leave it to it.
    init(on lab: Lab, _ servers: OrdinaryServers, occasion: Int, source: IPAddress, binds: Bool) throws {
        let family = source.family
        let bound = binds ? source : nil
        self.occasion = occasion
        ping = try EchoRequests(
            on: lab, family: family, identifier: 4000 + occasion, size: OrdinaryServers.size(occasion), source: bound,
            name: "ping-\(occasion)")
        all = [
            try SecureDownload(
                on: lab, from: servers.web, family: family, port: OrdinaryServers.webPort(occasion), source: bound,
                name: "tls-\(occasion)"),
            try ShellSession(
                on: lab, to: servers.shells, family: family, port: OrdinaryServers.shellPort(occasion), source: bound,
                name: "ssh-\(occasion)"),
            try ThroughputTest(
                on: lab, family: family, port: OrdinaryServers.throughputPort(occasion), source: bound,
                name: "iperf-\(occasion)"),
            ping,
            NameQueries(
                on: lab, family: family, question: OrdinaryServers.question(occasion), source: source,
                port: 10_000 + occasion),
        ]
        call = try NumberedTraffic(
            on: lab, from: source, rate: 50, name: "call-\(occasion)", port: OrdinaryServers.callPort(occasion))
    }

    /// Display filters of Wireshark for the packets of each kind.
    static func filters(_ occasion: Int, _ family: AddressFamily) -> [(kind: String, filter: String)] {
        // The length of the innermost packet: an echo with so many bytes.
        let echo = 8 + OrdinaryServers.size(occasion)
        return [
            ("curl over TLS", "tcp.port == \(OrdinaryServers.webPort(occasion))"),
            ("ssh", "tcp.port == \(OrdinaryServers.shellPort(occasion))"),
            ("iperf3", "tcp.port == \(OrdinaryServers.throughputPort(occasion))"),
            ("ping", family == .v4 ? "icmp && ip.len == \(20 + echo)" : "icmpv6 && ipv6.plen == \(echo)"),
            ("DNS", "dns.qry.name == \"\(OrdinaryServers.question(occasion))\""),
            ("call", "udp.port == \(OrdinaryServers.callPort(occasion) + 1)"),
        ]
    }
}

import NetworkTypes

/// A dnsmasq at the correspondent that knows all names below `example`.
final class NameServer {
    static let answer = "203.0.113.77"
    private let process: BackgroundProcess

    init(on lab: Lab) throws {
        let listen = AddressFamily.allCases.map { "--listen-address=\(AddressPlan.correspondent($0))" }
        process = try lab.start(
            [
                "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=root",
                "--log-facility=-", "--no-resolv", "--no-hosts", "--bind-interfaces",
                "--address=/example/\(Self.answer)",
            ] + listen, on: "cn", name: "dnsmasq")
        try process.waitUntil("listening") {
            let sockets = (try? lab.run(["ss", "-Huln", "sport = :53"], on: "cn")) ?? ""
            return sockets.split(separator: "\n").count >= AddressFamily.allCases.count
        }
    }
}

/// A resolver of the node's that always asks from the same port: all its queries are one flow.
final class NameQueries: Application {
    let name = "DNS"
    /// The name that it asks for.
    let question: String
    private let lab: Lab
    private let family: AddressFamily
    private let source: IPAddress
    private let port: Int

    init(on lab: Lab, family: AddressFamily, question: String, source: IPAddress, port: Int) {
        (self.lab, self.family, self.question, self.source, self.port) = (lab, family, question, source, port)
    }

    /// As flow lists have it.
    var flow: String {
        func end(_ address: IPAddress, _ port: Int) -> String {
            address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)"
        }
        return "udp,\(end(source, port)),\(end(AddressPlan.correspondent(family), 53))"
    }

    /// It is asked anew each time.
    let isRunning = true
    func markProgress() {}

    func waitForProgress() throws {
        let query = Command(
            [
                "dig", "+short", "+tries=1", "+time=1", "@\(AddressPlan.correspondent(family))", "-b",
                "\(source)#\(port)", question, "A",
            ], in: lab.namespace("mn"))
        try waitUntil("an answer to a query for \(question)", timeout: .seconds(20)) {
            try query.run().output.split(separator: "\n").contains { $0 == NameServer.answer }
        }
    }
}

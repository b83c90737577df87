import NetworkTypes

/// What `ping` found out.
public struct PingResult: Hashable, Sendable {
    public var sent = 0
    public var received = 0
    /// What it printed besides answers and its summary, such as the ICMP errors it was sent, a line each.
    public var remarks: [String] = []

    init(output: String) {
        remarks = output.split(separator: "\n").map(String.init).filter { line in
            !line.contains("bytes from") && !line.contains("packets transmitted") && !line.hasPrefix("PING ")
                && !line.hasPrefix("rtt ") && !line.hasPrefix("--- ")
        }
        for line in output.split(separator: "\n") where line.contains("packets transmitted") {
            let numbers = line.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
            if numbers.count >= 2 { (sent, received) = (numbers[0], numbers[1]) }
        }
    }

    public var isComplete: Bool { sent > 0 && received == sent }

    /// How many were answered, and what ping remarked on.
    public var summary: String {
        (["\(received) of \(sent)"] + remarks).joined(separator: "; ")
    }
}

extension Lab {
    /// Pings an address from a machine.
    /// - Parameters:
    ///   - source: the address to send from; by default the kernel's choice.
    ///   - size: bytes of payload.
    public func ping(
        _ destination: IPAddress, on machine: String, from source: IPAddress? = nil, count: Int = 3, size: Int = 56
    ) throws -> PingResult {
        var arguments = ["ping", "-n", "-c", "\(count)", "-i", "0.05", "-W", "1", "-s", "\(size)"]
        if let source { arguments += ["-I", source.description] }
        let result = try Command(arguments + [destination.description], in: namespace(machine)).run()
        return PingResult(output: result.output)
    }

    /// Whether a machine can talk TCP with an address, found out by the refusal of a port that nobody listens on.
    /// In contrast to a ping, this leaves no flow behind that lives on.
    public func reaches(
        _ destination: IPAddress, on machine: String, from source: IPAddress, timeout: Duration = .seconds(5)
    ) throws -> Bool {
        let host = destination.isV4 ? "\(destination)" : "[\(destination)]"
        let command = Command(
            [
                "curl", "--silent", "--verbose", "--connect-timeout", "1", "--interface", "\(source)",
                "http://\(host):9/",
            ],
            in: namespace(machine))
        return try pollUntil(timeout: timeout) { try command.run().errors.contains("Connection refused") }
    }

    /// Whether the address answers within the time.
    public func answers(
        _ destination: IPAddress, on machine: String, from source: IPAddress? = nil, timeout: Duration = .seconds(5)
    ) throws -> Bool {
        try pollUntil(timeout: timeout) { try ping(destination, on: machine, from: source, count: 1).received > 0 }
    }
}

import NetworkTypes

/// One packet of a capture, as an independent dissector read it.
public struct CapturedPacket: Hashable, Sendable {
    /// The capture that it is from, by the name of its link.
    public let link: String
    /// Seconds since the epoch.
    public let time: Double
    public let stack: HeaderStack
    /// What follows the innermost IP header: `tcp`, `udp`, `icmp`, `icmpv6`, …
    public let transport: String
    /// IP header fields, one for each IP header, outermost first.
    public let timesToLive: [Int]
    public let greKeys: [UInt32]
    public let greSequences: [UInt32]
    /// Length on the wire, in bytes.
    public let length: Int

    /// The tab-separated fields that ``HeaderReader`` asks tshark for, in their order.
    static let fields = [
        "frame.time_epoch", "frame.len", "frame.protocols",
        "ip.src", "ip.dst", "ip.ttl", "ipv6.src", "ipv6.dst", "ipv6.hlim", "gre.key", "gre.sequence_number",
        "gre.flags.key", "gre.flags.sequence_number",
    ]

    /// - Returns: `nil` for a frame without an IP header.
    init?(tsharkLine line: some StringProtocol, link: String) {
        let columns = String(line).split(separator: "\t" as Character, omittingEmptySubsequences: false).map(
            String.init)
        guard columns.count == Self.fields.count else { return nil }
        func list(_ index: Int) -> [String] { columns[index].split(separator: ",").map(String.init) }
        let keyFlags = list(11).map { $0 == "1" || $0 == "True" }
        let sequenceFlags = list(12).map { $0 == "1" || $0 == "True" }
        let (v4, v6) = ((list(3), list(4), list(5)), (list(6), list(7), list(8)))
        var (next4, next6, nextGRE) = (0, 0, 0)
        var headers: [HeaderStack.Header] = []
        var hops: [Int] = []
        var transport = ""
        walk: for name in columns[2].split(separator: ":") {
            switch name {
            case "eth", "ethertype", "vlan", "sll": continue
            case "ip":
                guard next4 < v4.0.count, let source = IPAddress(v4.0[next4]), let destination = IPAddress(v4.1[next4])
                else { return nil }
                headers.append(.ip(source: source, destination: destination))
                hops.append(Int(v4.2[next4]) ?? -1)
                next4 += 1
            case "ipv6":
                guard next6 < v6.0.count, let source = IPAddress(v6.0[next6]), let destination = IPAddress(v6.1[next6])
                else { return nil }
                headers.append(.ip(source: source, destination: destination))
                hops.append(Int(v6.2[next6]) ?? -1)
                next6 += 1
            case "gre":
                headers.append(
                    .gre(
                        keyed: nextGRE < keyFlags.count && keyFlags[nextGRE],
                        sequenced: nextGRE < sequenceFlags.count && sequenceFlags[nextGRE]))
                nextGRE += 1
            default:
                if name.hasPrefix("ipv6.") { continue }
                transport = String(name)
                break walk
            }
        }
        guard !headers.isEmpty else { return nil }
        self.link = link
        self.time = Double(columns[0]) ?? 0
        self.stack = HeaderStack(headers)
        self.transport = transport
        self.timesToLive = hops
        self.greKeys = list(9).compactMap { UInt32($0.dropFirst($0.hasPrefix("0x") ? 2 : 0), radix: 16) }
        self.greSequences = list(10).compactMap { UInt32($0) }
        self.length = Int(columns[1]) ?? 0
    }
}

import Foundation

/// Reads captures with tshark, a dissector that shares no code with this project.
public enum HeaderReader {
    /// The packets of a capture file, in the order of the file.
    /// - Parameters:
    ///   - link: the name that each packet carries.
    ///   - filter: a display filter of Wireshark, such as `icmp || icmpv6`.
    public static func read(_ path: String, link: String, filter: String? = nil) throws -> [CapturedPacket] {
        var arguments = ["tshark", "-n", "-r", path, "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"]
        // Fragments and segments stay the packets that they were on the link.
        for preference in ["ip.defragment:FALSE", "ipv6.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE"] {
            arguments += ["-o", preference]
        }
        arguments += CapturedPacket.fields.flatMap { ["-e", $0] }
        if let filter { arguments += ["-Y", filter] }
        return try Command(arguments).check(timeout: .seconds(120))
            .split(separator: "\n").compactMap { CapturedPacket(tsharkLine: $0, link: link) }
    }

    /// How many packets have a checksum that tshark finds wrong, in any IP, TCP, UDP or ICMP header. Frames
    /// that are larger than the links' MTU are aggregates that a receiver put together, and have no valid ones.
    public static func countBadChecksums(_ path: String) throws -> Int {
        // The kernel writes 0xffff where 0 is meant, which is as good and tshark finds wrong in TCP.
        let checked = ["ip.check_checksum", "tcp.check_checksum", "udp.check_checksum"]
        let bad = [
            "ip.checksum.status==0", "(tcp.checksum.status==0 && tcp.checksum != 0xffff)", "udp.checksum.status==0",
            "icmp.checksum.status==0",
            "icmpv6.checksum.status==0",
        ]
        return try Command(
            [
                "tshark", "-n", "-r", path, "-Y", "frame.len <= 1518 && (\(bad.joined(separator: " || ")))", "-T",
                "fields",
                "-e", "frame.number",
            ]
                + checked.flatMap { ["-o", "\($0):TRUE"] }
        ).check(timeout: .seconds(120)).split(separator: "\n").count
    }
}

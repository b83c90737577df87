import AnchorProtocol
import Foundation
import NetworkTypes
import PacketKit

/// tshark with the project's dissector.
enum Tshark {
    static let path = ["/usr/bin/tshark", "/usr/local/bin/tshark", "/usr/sbin/tshark"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    static let dissector = URL(filePath: #filePath).appending(path: "../../../../Wireshark/flowanchor.lua")
        .standardized.path

    struct Failure: Error {
        var output: String
    }

    /// Each packet's fields, in the order of `fields`; several values of one field are separated by `;`.
    static func read(_ datagrams: [[UInt8]], over family: AddressFamily, fields: [String]) throws -> [[String]] {
        let capture = FileManager.default.temporaryDirectory.appending(path: "flowanchor-\(UUID().uuidString).pcap")
        defer { try? FileManager.default.removeItem(at: capture) }
        try Data(pcap(datagrams, over: family)).write(to: capture)
        let process = Process()
        process.executableURL = URL(filePath: path ?? "/usr/bin/tshark")
        process.arguments =
            ["-n", "-X", "lua_script:" + dissector, "-r", capture.path, "-T", "fields"]
            + ["-E", "separator=|", "-E", "occurrence=a", "-E", "aggregator=;"] + fields.flatMap { ["-e", $0] }
        let output = Pipe()
        let errors = Pipe()
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        let complaints = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        // A mistake in the script is reported there and does not change the exit code.
        guard process.terminationStatus == 0, !complaints.contains("Lua") else { throw Failure(output: complaints) }
        return text.split(separator: "\n").map { line in
            line.split(separator: "|", omittingEmptySubsequences: false).map { normalized(String($0)) }
        }
    }

    /// Newer versions write truth values as words.
    private static func normalized(_ text: String) -> String {
        switch text {
        case "True": "1"
        case "False": "0"
        default: text
        }
    }

    private static func pcap(_ datagrams: [[UInt8]], over family: AddressFamily) -> [UInt8] {
        // libpcap, microseconds, little-endian, Ethernet.
        var file = hex("d4c3b2a1 0200 0400 00000000 00000000 ffff0000 01000000")
        for datagram in datagrams {
            let network: Layer =
                family == .v4
                ? .ipv4(.init(ip("10.1.0.5"), ip("192.0.2.1"))) : .ipv6(.init(ip("fd01::5"), ip("2001:db8::1")))
            let frame = Frame.encode([
                .ethernet(.init(destination: mac("02:00:00:00:00:02"), source: mac("02:00:00:00:00:01"))), network,
                .udp(.init(AnchorMessage.port, AnchorMessage.port)), .payload(datagram),
            ])
            let count = withUnsafeBytes(of: UInt32(frame.count).littleEndian) { [UInt8]($0) }
            file += [UInt8](repeating: 0, count: 8) + count + count + frame
        }
        return file
    }
}

import Foundation

/// The programs that labs are made of.
public enum Tools {
    static let needed = [
        "ip", "nstat", "nsenter", "sysctl", "ethtool", "bridge", "nft", "tcpdump", "tshark", "nginx", "curl", "ping",
        "ss", "sed", "tc", "openssl", "ssh", "ssh-keygen", "sshd", "iperf3", "dnsmasq", "dig",
        "dhclient", "dhcrelay",
    ]

    /// - Throws: ``LabError/missingTools(_:)`` naming all that are not there.
    public static func checkAll() throws {
        let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
        let folders = path.split(separator: ":" as Character).map(String.init) + ["/usr/sbin", "/sbin"]
        let missing = needed.filter { tool in
            !folders.contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(tool)") }
        }
        guard missing.isEmpty else { throw LabError.missingTools(missing) }
    }
}

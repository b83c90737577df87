import Foundation
import NetworkTypes

/// An OpenSSH server at the correspondent, with keys and a configuration of its own: nothing of the machine's is used.
final class ShellServer {
    private let folder: String
    let process: BackgroundProcess

    var clientKey: String { folder + "/client" }
    var knownHosts: String { folder + "/known_hosts" }

    init(on lab: Lab, ports: [Int]) throws {
        folder = "\(lab.identity.folder)/sshd"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        // Where it separates its privileges, which is compiled in; made by whoever starts a server of the machine's.
        try FileManager.default.createDirectory(atPath: "/run/sshd", withIntermediateDirectories: true)
        for key in ["host", "client"] {
            try Command(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", key, "-f", "\(folder)/\(key)"]).check()
        }
        let hostKey = try String(contentsOfFile: folder + "/host.pub", encoding: .utf8)
        let hosts = AddressFamily.allCases.flatMap { family in
            ports.map { port in
                let host = "\(AddressPlan.correspondent(family))"
                return (port == 22 ? host : "[\(host)]:\(port)") + " " + hostKey
            }
        }
        try hosts.joined().write(toFile: folder + "/known_hosts", atomically: true, encoding: .utf8)
        try
            (ports.map { "Port \($0)" } + [
                "HostKey \(folder)/host", "AuthorizedKeysFile \(folder)/client.pub", "PidFile none", "UsePAM no",
                "StrictModes no", "PermitRootLogin prohibit-password", "PasswordAuthentication no", "UseDNS no",
            ]).joined(separator: "\n").appending("\n")
            .write(toFile: folder + "/sshd_config", atomically: true, encoding: .utf8)
        // It starts itself again for each connection, for which it wants to know where it is.
        let program = ["/usr/sbin/sshd", "/usr/bin/sshd", "/usr/local/sbin/sshd"]
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        guard let program else { throw LabError.missingTools(["sshd"]) }
        process = try lab.start([program, "-D", "-e", "-f", folder + "/sshd_config"], on: "cn", name: "sshd")
        try process.waitUntil("listening") {
            let listening = (try? lab.run(["ss", "-Htln"], on: "cn")) ?? ""
            return ports.allSatisfy { listening.contains("[::]:\($0) ") }
        }
    }
}

/// A session of the node's with a shell, which answers one command after the other.
final class ShellSession: Application {
    let name = "ssh"
    private let process: BackgroundProcess
    private let commands: FileHandle
    private let outputPath: String
    private var asked = 0

    /// - Parameter source: the address to connect from; by default the kernel's choice.
    init(
        on lab: Lab, to server: ShellServer, family: AddressFamily, port: Int, source: IPAddress? = nil, name: String
    ) throws {
        let pipe = "\(lab.identity.folder)/\(name).in"
        outputPath = "\(lab.identity.folder)/\(name).out"
        guard mkfifo(pipe, 0o600) == 0 else { throw LabError.file(pipe, String(cString: strerror(errno))) }
        // Both ends are open, so that there is always somebody to read, and never an end of what is read.
        let descriptor = open(pipe, O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { throw LabError.file(pipe, String(cString: strerror(errno))) }
        commands = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        let options = [
            "BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=yes", "ConnectTimeout=15",
            "UserKnownHostsFile=\(server.knownHosts)", "GlobalKnownHostsFile=/dev/null",
        ].map { "-o \($0)" }.joined(separator: " ")
        let bind = source.map { "-b \($0) " } ?? ""
        let address = AddressPlan.correspondent(family)
        process = try lab.start(
            [
                "sh", "-c",
                "exec ssh -F none -i \(server.clientKey) \(options) \(bind)-p \(port) root@\(address) sh <\(pipe)",
            ],
            on: "mn", name: name, outputPath: outputPath)
    }

    var isRunning: Bool { process.isRunning }

    func markProgress() throws {
        asked += 1
        try commands.write(contentsOf: Data("echo answer \(asked) is $((\(asked) + 1000))\n".utf8))
    }

    /// The command is answered: with the sum, which only a shell can tell.
    func waitForProgress() throws {
        let answer = "answer \(asked) is \(asked + 1000)\n"
        try process.waitUntil("the answer to command \(asked)", timeout: .seconds(20)) {
            (try? String(contentsOfFile: outputPath, encoding: .utf8))?.contains(answer) == true
        }
    }
}

import Foundation
import NetworkTypes

/// An nginx at the correspondent, with one large file at `/download`.
public final class WebServer {
    private let lab: Lab
    public let process: BackgroundProcess
    /// Size of `/download` in bytes.
    public let fileSize: Int
    /// The file itself.
    public let filePath: String

    /// - Parameters:
    ///   - fileSize: in bytes.
    ///   - random: the file holds random bytes, so that a copy can be compared; otherwise it is sparse and costs nothing.
    ///   - bytesPerSecond: at most so many on each connection; `nil` for as fast as it goes.
    public init(on lab: Lab, fileSize: Int, random: Bool = false, bytesPerSecond: Int? = nil) throws {
        self.lab = lab
        self.fileSize = fileSize
        let folder = "\(lab.identity.folder)/nginx"
        try FileManager.default.createDirectory(atPath: folder + "/files", withIntermediateDirectories: true)
        filePath = folder + "/files/download"
        _ = FileManager.default.createFile(atPath: filePath, contents: nil)
        if random {
            try Command(["dd", "if=/dev/urandom", "of=\(filePath)", "bs=64k", "count=\(fileSize)", "iflag=count_bytes"])
                .check()
        } else if truncate(filePath, off_t(fileSize)) != 0 {
            throw LabError.file(filePath, String(cString: strerror(errno)))
        }
        let limit = bytesPerSecond.map { "limit_rate \($0);" } ?? ""
        try """
        daemon off; master_process off; user root; pid \(folder)/nginx.pid; error_log stderr warn;
        events {}
        http {
          access_log off; sendfile on; keepalive_timeout 60;
          \(["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }.joined(separator: " "))
          server { listen 80; listen [::]:80; root \(folder)/files; \(limit) default_type application/octet-stream; }
        }
        """.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        process = try lab.start(
            ["nginx", "-e", "stderr", "-p", folder, "-c", folder + "/nginx.conf"], on: "cn", name: "nginx")
        try process.waitUntil("listening") {
            (try? lab.run(["ss", "-Htln", "sport = :80"], on: "cn"))?.contains(":80") ?? false
        }
    }

    public func address(_ family: AddressFamily) -> String {
        let address = AddressPlan.correspondent(family)
        return family == .v4 ? "http://\(address)/download" : "http://[\(address)]/download"
    }
}

/// A curl on the mobile node, downloading.
public final class Download {
    public let process: BackgroundProcess
    /// What has arrived.
    public let path: String

    /// - Parameter source: the address to connect from; by default the kernel's choice.
    public init(on lab: Lab, from server: WebServer, family: AddressFamily, name: String, source: IPAddress? = nil)
        throws
    {
        path = "\(lab.identity.folder)/\(name).bin"
        try? FileManager.default.removeItem(atPath: path)
        var arguments = ["curl", "--silent", "--show-error", "--fail", "--connect-timeout", "5", "--output", path]
        if let source { arguments += ["--interface", source.description] }
        arguments += ["--write-out", "%{local_ip} %{size_download} %{time_total}\\n", server.address(family)]
        process = try lab.start(arguments, on: "mn", name: name)
    }

    /// Bytes received so far.
    public var bytes: Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? UInt64).map(Int.init) ?? 0
    }

    /// Waits until so many more bytes have arrived than now.
    public func waitForProgress(_ more: Int, timeout: Duration = .seconds(15)) throws {
        let before = bytes
        try process.waitUntil("\(more) more bytes", timeout: timeout) { bytes >= before + more }
    }

    /// Whether no byte arrives for a while although it is running.
    public func stalls(for duration: Duration) -> Bool {
        let before = bytes
        // Data that was already on its way to the socket does not count.
        _ = pollUntil(timeout: .milliseconds(200)) { false }
        let start = bytes
        return !pollUntil(timeout: duration) { bytes > start } && bytes - before < 1 << 20
    }
}

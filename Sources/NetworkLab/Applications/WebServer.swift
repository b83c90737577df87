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
    /// Of the server over TLS, made for this lab; `nil` without it.
    let certificateFile: String?

    /// - Parameters:
    ///   - fileSize: in bytes.
    ///   - random: the file holds random bytes, so that a copy can be compared; otherwise it is sparse and costs nothing.
    ///   - bytesPerSecond: at most so many on each connection; `nil` for as fast as it goes.
    ///   - securePorts: where it is served over TLS, beside port 80.
    public init(
        on lab: Lab, fileSize: Int, random: Bool = false, bytesPerSecond: Int? = nil, securePorts: [Int] = []
    ) throws {
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
        certificateFile = securePorts.isEmpty ? nil : folder + "/server.crt"
        let listeners = try Self.secureListeners(securePorts, folder)
        let limit = bytesPerSecond.map { "limit_rate \($0);" } ?? ""
        try """
        daemon off; master_process off; user root; pid \(folder)/nginx.pid; error_log stderr warn;
        events {}
        http {
          access_log off; sendfile on; keepalive_timeout 60;
          \(["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map { "\($0)_temp_path \(folder)/\($0);" }.joined(separator: " "))
          server {
            listen 80; listen [::]:80; \(listeners)
            root \(folder)/files; \(limit) default_type application/octet-stream;
          }
        }
        """.write(toFile: folder + "/nginx.conf", atomically: true, encoding: .utf8)
        process = try lab.start(
            ["nginx", "-e", "stderr", "-p", folder, "-c", folder + "/nginx.conf"], on: "cn", name: "nginx")
        try process.waitUntil("listening") {
            (try? lab.run(["ss", "-Htln", "sport = :80"], on: "cn"))?.contains(":80") ?? false
        }
    }

    /// - Parameter port: one of those with TLS; `nil` for port 80.
    public func address(_ family: AddressFamily, securePort port: Int? = nil) -> String {
        let address = AddressPlan.correspondent(family)
        let host = family == .v4 ? "\(address)" : "[\(address)]"
        return port.map { "https://\(host):\($0)/download" } ?? "http://\(host)/download"
    }

    /// Lines of nginx's configuration for TLS, and the certificate that they name: its own authority, for the
    /// correspondent's addresses.
    private static func secureListeners(_ ports: [Int], _ folder: String) throws -> String {
        guard !ports.isEmpty else { return "" }
        let (certificate, key) = (folder + "/server.crt", folder + "/server.key")
        let names = AddressFamily.allCases.map { "IP:\(AddressPlan.correspondent($0))" }.joined(separator: ",")
        try Command([
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc", "-days",
            "2", "-subj", "/CN=correspondent", "-addext", "subjectAltName=\(names)", "-keyout", key, "-out",
            certificate,
        ]).check()
        return ports.map { "listen \($0) ssl; listen [::]:\($0) ssl;" }.joined(separator: " ")
            + " ssl_certificate \(certificate); ssl_certificate_key \(key);"
    }
}

/// A curl on the mobile node, downloading.
public final class Download {
    private let lab: Lab
    public let process: BackgroundProcess
    /// What has arrived.
    public let path: String

    /// - Parameters:
    ///   - source: the address to connect from; by default the kernel's choice.
    ///   - port: one of the server's with TLS, whose certificate is checked; `nil` for port 80.
    public init(
        on lab: Lab, from server: WebServer, family: AddressFamily, name: String, source: IPAddress? = nil,
        securePort port: Int? = nil
    ) throws {
        self.lab = lab
        path = "\(lab.identity.folder)/\(name).bin"
        try? FileManager.default.removeItem(atPath: path)
        var arguments = ["curl", "--silent", "--show-error", "--fail", "--connect-timeout", "5", "--output", path]
        if let source { arguments += ["--interface", source.description] }
        if port != nil, let certificate = server.certificateFile { arguments += ["--cacert", certificate] }
        arguments += ["--write-out", "%{local_ip} %{size_download} %{time_total}\\n"]
        arguments.append(server.address(family, securePort: port))
        process = try lab.start(arguments, on: "mn", name: name)
    }

    /// Bytes received so far.
    public var bytes: Int {
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        return (attributes?[.size] as? UInt64).map(Int.init) ?? 0
    }

    /// Bytes that have come to its socket, read or not; 0 once it is closed. What comes to the file may have waited in
    /// the socket for a while.
    func received() throws -> Int {
        let sockets = try lab.run(["ss", "-HtipO"], on: "mn").split(separator: "\n")
        guard let own = sockets.first(where: { $0.contains("pid=\(process.pid),") }),
            let count = own.firstMatch(of: /bytes_received:(\d+)/)
        else { return 0 }
        return Int(count.output.1) ?? 0
    }

    /// Waits until so many more bytes have come over the network than now.
    func waitForArrivals(_ more: Int, timeout: Duration = .seconds(30)) throws {
        let before = try received()
        try process.waitUntil("\(more) more bytes to arrive", timeout: timeout) {
            (try? received()).map { $0 >= before + more } ?? false
        }
    }

    /// Waits until so many more bytes are in the file than now.
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

import NetworkTypes

/// An application of the node's that goes on for as long as its flows do.
protocol Application: AnyObject {
    /// Its kind, such as `ssh`.
    var name: String { get }
    var isRunning: Bool { get }
    /// From here on, what comes of it counts: so that several can be waited for at once.
    func markProgress() throws
    /// Waits until something has come of it since the mark, in each direction that it has.
    /// - Throws: ``LabError`` if nothing does, or it has ended.
    func waitForProgress() throws
}

/// A download by curl over TLS.
final class SecureDownload: Application {
    let name = "curl over TLS"
    private let download: Download
    private var mark = 0

    /// - Parameters:
    ///   - port: one of the server's with TLS, whose certificate is checked.
    ///   - source: the address to connect from; by default the kernel's choice.
    init(
        on lab: Lab, from server: WebServer, family: AddressFamily, port: Int, source: IPAddress? = nil, name: String
    ) throws {
        download = try Download(
            on: lab, from: server, family: family, name: name, source: source, securePort: port)
    }

    var isRunning: Bool { download.process.isRunning }
    func markProgress() throws { mark = try download.received() }

    func waitForProgress() throws {
        try download.process.waitUntil("more bytes", timeout: .seconds(20)) {
            (try? download.received()).map { $0 >= mark + 100_000 } ?? false
        }
    }
}

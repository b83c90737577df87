import Foundation

/// A tcpdump on one interface, its packets in a file as they come.
public final class Capture {
    /// Name of the captured link.
    public let link: String
    public let path: String
    private let process: BackgroundProcess

    /// Starts it; ``waitUntilReady()`` tells when no packet is missed any more.
    /// - Parameter snapLength: bytes kept of each frame; 0 keeps all.
    init(link: String, interface: String, namespace: String, path: String, logPath: String, snapLength: Int) throws {
        self.link = link
        self.path = path
        try? FileManager.default.removeItem(atPath: path)
        process = try BackgroundProcess(
            Command(
                [
                    "tcpdump", "-i", interface, "-n", "-U", "--immediate-mode", "-B", "16384", "-s", "\(snapLength)",
                    "-Z", "root", "-w", path,
                ], in: namespace),
            name: "tcpdump on \(link)", logPath: logPath)
    }

    func waitUntilReady() throws {
        try process.waitUntil("listening") { process.log.contains("listening on") }
    }

    /// Ends it once its file has stopped growing, so that nothing captured is left behind in a buffer; on a link that is
    /// never quiet after a while that is longer than anything stays there.
    func stop() {
        var size: UInt64?
        _ = pollUntil(timeout: .milliseconds(300), every: 20) {
            let attributes = try? FileManager.default.attributesOfItem(atPath: path)
            let now = attributes?[.size] as? UInt64
            defer { size = now }
            return size == now
        }
        process.stop(SIGINT)
    }

    /// Its packets, without frames that carry no IP.
    public func packets(filter: String? = nil) throws -> [CapturedPacket] {
        try HeaderReader.read(path, link: link, filter: filter)
    }
}

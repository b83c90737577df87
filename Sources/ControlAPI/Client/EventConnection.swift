import FlyingSocks
import Foundation

/// Reads `/v1/events` while more comes. FlyingFox's client hands a body out when it has ended, which this one doesn't
/// before the daemon does.
struct EventConnection {
    private let socket: AsyncSocket
    private var unread: ArraySlice<UInt8> = []

    /// - Parameter path: of the daemon's socket.
    init(path: String) async throws { socket = try await AsyncSocket.connected(to: sockaddr_un.unix(path: path)) }

    /// Hands each event to `body` when it comes, until the daemon ends or the task is cancelled; once only.
    /// - Throws: also where the connection ends before the stream does.
    mutating func read(_ body: (EventModel) -> Void) async throws {
        defer { try? socket.close() }
        try await socket.write(Data("GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
        guard try await line().split(separator: " ").dropFirst().first == "200" else { return }
        while try await !line().isEmpty {}
        // Chunks (RFC 9112, section 7.1); an event may be in several.
        var text: [UInt8] = []
        while let size = Int(try await line(), radix: 16), size > 0 {
            text += try await bytes(size)
            _ = try await line()
            while let end = text.firstIndex(of: UInt8(ascii: "\n")) {
                // Of another version, perhaps, and not understood.
                if let event = try? JSONDecoder().decode(EventModel.self, from: Data(text[..<end])) { body(event) }
                text.removeSubrange(...end)
            }
        }
    }

    private mutating func line() async throws -> String {
        var line: [UInt8] = []
        while true {
            let byte = try await bytes(1)[0]
            if byte == UInt8(ascii: "\n") { break }
            line.append(byte)
        }
        if line.last == UInt8(ascii: "\r") { line.removeLast() }
        return String(decoding: line, as: UTF8.self)
    }

    private mutating func bytes(_ count: Int) async throws -> [UInt8] {
        while unread.count < count { unread += try await socket.read(atMost: 4096) }
        defer { unread = unread.dropFirst(count) }
        return Array(unread.prefix(count))
    }
}

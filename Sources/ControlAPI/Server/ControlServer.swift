import FlyingFox
import FlyingSocks
import Foundation

/// Serves a ``ControlService`` as REST over a Unix socket, to `anchorctl`, to `curl --unix-socket` and to
/// Prometheus.
public struct ControlServer: Sendable {
    /// Who may use the socket: its owner and this group (T21).
    public struct Access: Sendable {
        public var group: gid_t?

        public init(group: gid_t? = nil) { self.group = group }
    }

    private let path: String
    private let access: Access
    private let routes: ControlRoutes

    public init(path: String, access: Access = Access(), service: some ControlService) {
        self.path = path
        self.access = access
        routes = ControlRoutes(service)
    }

    /// Serves until the task is cancelled. A socket file that no process listens on is replaced.
    /// - Throws: if another process listens there, or the path can't be used.
    public func run() async throws {
        try await clear()
        // The file is made closed to all others, and opened to the group when it is.
        let previous = umask(0o177)
        let server = HTTPServer(
            address: .unix(path: path), timeout: 3600, logger: .disabled, handler: RoutesHandler(routes: routes))
        let running = Task { try await server.run() }
        defer {
            running.cancel()
            unlink(path)
        }
        do {
            try await server.waitUntilListening(timeout: 5)
        } catch {
            umask(previous)
            try await running.value
            throw ControlError(.failure, "the control socket \(path) does not listen: \(error)")
        }
        umask(previous)
        if let group = access.group, chown(path, uid_t.max, group) != 0 || chmod(path, 0o660) != 0 {
            throw ControlError(.failure, "give \(path) to group \(group): \(String(cString: strerror(errno)))")
        }
        try await withTaskCancellationHandler {
            try await running.value
        } onCancel: {
            running.cancel()
        }
    }

    private func clear() async throws {
        guard FileManager.default.fileExists(atPath: path) else { return }
        if (try? await AsyncSocket.connected(to: sockaddr_un.unix(path: path))) != nil {
            throw ControlError(
                .conflict, "another process serves \(path)",
                nextStep: "stop it, or give this instance a control-socket of its own")
        }
        unlink(path)
    }
}

private struct RoutesHandler: HTTPHandler {
    let routes: ControlRoutes

    func handleRequest(_ request: HTTPRequest) async throws -> HTTPResponse {
        do {
            return try await routes.answer(request)
        } catch let error as ControlError {
            return error.response
        } catch {
            return ControlError(.failure, "\(error)").response
        }
    }
}

import Glibc
import Netlink

public struct CommandFailure: Error, CustomStringConvertible {
    public let description: String
}

extension NetworkNamespace {
    /// Runs a command inside the namespace and waits for it.
    public func command(_ words: String...) throws {
        try run {
            var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
            defer { arguments.forEach { free($0) } }
            var child = pid_t()
            let code = posix_spawnp(&child, words[0], nil, nil, &arguments, environ)
            guard code == 0 else {
                throw CommandFailure(description: "\(words[0]): \(String(cString: strerror(code)))")
            }
            var status: Int32 = 0
            while waitpid(child, &status, 0) < 0, errno == EINTR {}
            guard status == 0 else {
                throw CommandFailure(description: "'\(words.joined(separator: " "))' ended with status \(status)")
            }
        }
    }

    /// As a path that other processes can open.
    public var path: String { "/proc/\(getpid())/fd/\(descriptor)" }
}

/// Two namespaces joined by a veth pair, `near0` in one and `far0` in the other; all gone with the object.
public final class Pair {
    public let near: NetworkNamespace
    public let far: NetworkNamespace
    public let nearSocket: NetlinkSocket
    public let farSocket: NetlinkSocket

    /// - Parameter up: set both ends, and both loopbacks, up.
    public init(up: Bool = true) throws {
        near = try NetworkNamespace.anonymous()
        far = try NetworkNamespace.anonymous()
        try near.command("ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0", "netns", far.path)
        nearSocket = try NetlinkSocket(namespace: near)
        farSocket = try NetlinkSocket(namespace: far)
        guard up else { return }
        for (socket, name) in [(nearSocket, "near0"), (farSocket, "far0")] {
            try socket.changeLink(socket.link(named: "lo").index, up: true)
            try socket.changeLink(socket.link(named: name).index, up: true)
        }
        try poll("carrier at near0") { try nearSocket.link(named: "near0").isUsable ? true : nil }
    }

    public func nearIndex() throws -> InterfaceIndex { try nearSocket.link(named: "near0").index }
    public func farIndex() throws -> InterfaceIndex { try farSocket.link(named: "far0").index }
}

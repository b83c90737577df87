import Glibc
import Netlink
import Testing

/// Whether tests may make network namespaces here. Under CI that is required: they then run, and fail.
enum Kernel {
    static let permitsNamespaces: Bool = {
        if (try? NetworkNamespace.anonymous()) != nil { return true }
        guard let ci = getenv("CI").map({ String(cString: $0) }), ci == "true" else {
            let words = "NetlinkTests: tests in network namespaces are SKIPPED: run them as root\n"
            write(STDERR_FILENO, words, words.utf8.count)
            return false
        }
        return true
    }()
}

extension Trait where Self == ConditionTrait {
    /// Skips a suite, loudly, where network namespaces cannot be made.
    static var inNamespaces: Self { .enabled(if: Kernel.permitsNamespaces, "needs CAP_SYS_ADMIN and CAP_NET_ADMIN") }
}

struct CommandFailure: Error, CustomStringConvertible {
    let description: String
}

extension NetworkNamespace {
    /// Runs a command inside the namespace and waits for it.
    func command(_ words: String...) throws {
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
    var path: String { "/proc/\(getpid())/fd/\(descriptor)" }
}

/// Two namespaces joined by a veth pair, `near0` in one and `far0` in the other; all gone with the object.
final class Pair {
    let near: NetworkNamespace
    let far: NetworkNamespace
    let nearSocket: NetlinkSocket
    let farSocket: NetlinkSocket

    /// - Parameter up: set both ends, and both loopbacks, up.
    init(up: Bool = true) throws {
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

    func nearIndex() throws -> InterfaceIndex { try nearSocket.link(named: "near0").index }
    func farIndex() throws -> InterfaceIndex { try farSocket.link(named: "far0").index }
}

import Foundation
import NetworkLab
import Netlink

/// A router between two veth links: `source0` — `in0` router `out0` — `sink0`, each machine in a network namespace
/// without a name, which is gone with this object or this process.
final class RouterCables {
    let source: NetworkNamespace
    let router: NetworkNamespace
    let sink: NetworkNamespace

    init() throws {
        source = try .anonymous()
        router = try .anonymous()
        sink = try .anonymous()
        let router = Frame.router
        try configureRouter(
            """
            link set lo up
            link add in0 address \(router) type veth peer name source0 address \(Frame.station) netns \(path(of: source))
            link add out0 address \(router) type veth peer name sink0 address \(Frame.nextHop) netns \(path(of: sink))
            link set in0 up
            link set out0 up
            """)
        for (namespace, name) in [(source, "source0"), (sink, "sink0")] {
            try namespace.run { _ = try Command(["ip", "link", "set", name, "up"]).check() }
        }
    }

    /// Runs commands of `ip`, one a line, at the router.
    func configureRouter(_ commands: String) throws {
        try router.run { _ = try Command(["ip", "-batch", "-"], input: commands + "\n").check() }
    }

    /// An interface of the namespace that the calling thread is in.
    static func interface(_ name: String) throws -> Router.Interface {
        let index = if_nametoindex(name)
        guard index != 0 else { throw BenchError("there is no interface \(name)") }
        return Router.Interface(name: name, index: Int32(index))
    }

    /// For other processes, as long as this object is there.
    private func path(of namespace: NetworkNamespace) -> String { "/proc/\(getpid())/fd/\(namespace.descriptor)" }
}

import Glibc
import NamespaceTestSupport
import Netlink
import Testing

@Suite(.inNamespaces)
struct NetworkNamespaceTests {
    /// The kernel's number of the calling thread's network namespace.
    private func current() throws -> ino_t {
        var status = stat()
        try #require(stat("/proc/thread-self/ns/net", &status) == 0)
        return status.st_ino
    }

    @Test func `work inside a namespace leaves the caller where it was`() throws {
        let before = try current()
        let namespace = try NetworkNamespace.anonymous()
        let inside = try namespace.run { try current() }
        #expect(inside != before)
        #expect(try current() == before)
        #expect(try namespace.run { try current() } == inside)
    }

    @Test func `an error inside comes out`() throws {
        struct Mishap: Error {}
        let namespace = try NetworkNamespace.anonymous()
        #expect(throws: Mishap.self) { try namespace.run { throw Mishap() } }
    }

    @Test func `a new namespace has nothing but a loopback that is down`() throws {
        let links = try NetlinkSocket(namespace: .anonymous()).links()
        #expect(links.allSatisfy { !$0.isUp })
        #expect(links.contains { $0.name == "lo" })
    }

    @Test func `a namespace that is not there is an error that names the path`() throws {
        let error = #expect(throws: NetlinkError.self) { try NetworkNamespace(path: "/run/netns/nowhere") }
        #expect(error?.code == ENOENT)
        #expect(error?.object == "/run/netns/nowhere")
    }
}

import Glibc
import NamespaceTestSupport
import Netlink
import Testing

@Suite(.inNamespaces)
struct VirtualPairTests {
    @Test func `a virtual pair is there with both ends until one is removed`() throws {
        let socket = try NetlinkSocket(namespace: .anonymous())
        try socket.addVirtualPair("one0", peer: "two0", largestAggregate: 1)
        #expect(try socket.link(named: "one0").kind == "veth")
        #expect(try socket.link(named: "one0").isUp)
        #expect(try socket.link(named: "two0").isUp)
        let taken = #expect(throws: NetlinkError.self) { try socket.addVirtualPair("one0", peer: "three0") }
        #expect(taken?.code == EEXIST)
        try socket.removeLink(named: "two0")
        let gone = #expect(throws: NetlinkError.self) { try socket.removeLink(named: "one0") }
        #expect(gone?.code == ENODEV)
    }
}

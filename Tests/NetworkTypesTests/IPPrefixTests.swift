import NetworkTypes
import Testing

@Suite struct IPPrefixTests {
    @Test func `host bits are cleared and containment follows the length`() {
        let prefix = IPPrefix("10.1.2.3/16")!
        #expect(prefix.description == "10.1.0.0/16")
        #expect(prefix.contains(IPAddress("10.1.255.255")!))
        #expect(!prefix.contains(IPAddress("10.2.0.0")!))
        #expect(!prefix.contains(IPAddress("::a01:203")!))
    }

    @Test func `the whole of a family is a prefix of length zero`() {
        #expect(IPPrefix("0.0.0.0/0")!.contains(IPAddress("203.0.113.9")!))
        #expect(!IPPrefix("0.0.0.0/0")!.contains(IPAddress("2001:db8::1")!))
        #expect(IPPrefix("::/0")!.contains(IPAddress("2001:db8::1")!))
    }

    @Test(arguments: ["10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/", "::/129", "x/8"])
    func `a length outside of the family is refused`(text: String) {
        #expect(IPPrefix(text) == nil)
    }

    @Test func `addresses are counted from the first`() {
        let prefix = IPPrefix("192.0.2.0/30")!
        #expect(prefix.count == 4)
        #expect(prefix.address(at: 3)?.description == "192.0.2.3")
        #expect(prefix.address(at: 4) == nil)
        #expect(IPPrefix("2001:db8::/32")!.count == .max)
    }
}

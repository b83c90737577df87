import NetworkTypes
import Testing

@Suite struct IPAddressTests {
    @Test(arguments: ["0.0.0.0", "10.1.2.3", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2"])
    func `text survives a round trip`(text: String) {
        #expect(IPAddress(text)?.description == text)
    }

    @Test(arguments: ["", "10.1.2", "10.1.2.256", "1::2::3", "10.1.2.3/8", "fe80::1%eth0"])
    func `what is not an address is refused`(text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test func `IPv4 is held v4-mapped in network order`() {
        let address = IPAddress("10.1.2.3")!
        #expect(address.mappedBytes == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3])
        #expect(address.bytes == [10, 1, 2, 3])
        #expect(IPAddress(bytes: address.bytes) == address)
        #expect(IPAddress(bytes: address.mappedBytes) == address)
    }

    @Test func `link-local and multicast are known in both families`() {
        #expect(IPAddress("169.254.3.4")!.isLinkLocal && IPAddress("fe80::9")!.isLinkLocal)
        #expect(IPAddress("224.0.0.1")!.isMulticast && IPAddress("ff02::1")!.isMulticast)
        #expect(!IPAddress("10.0.0.1")!.isLinkLocal && !IPAddress("2001:db8::1")!.isMulticast)
    }
}

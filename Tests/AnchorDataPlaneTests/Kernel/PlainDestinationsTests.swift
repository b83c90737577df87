import NetworkTypes
import Testing

@testable import AnchorDataPlane

@Suite struct PlainDestinationsTests {
    private func configuration() -> DataPlaneConfiguration {
        DataPlaneConfiguration(
            endpoints: [IPAddress("192.0.2.1")!, IPAddress("2001:db8::1")!],
            pools: [IPPrefix("10.0.0.0/8")!, IPPrefix("100.64.0.0/10")!, IPPrefix("2001:db8:1::/48")!],
            routes: [.init(prefix: IPPrefix("172.16.0.0/5")!, path: 3)], defaultPathV4: 1, defaultPathV6: 1)
    }

    @Test func `what is global and nobody's here is plain`() {
        let plain = configuration().plainDestinations(besides: [IPAddress("203.0.113.7")!])
        let others: Set<UInt8> = [0, 10, 100, 127, 169, 192, 203]
        #expect(plain.octets == Set(1...223).subtracting(others).subtracting(168...175))
    }

    @Test func `words have a bit an octet, the lowest first`() {
        let words = configuration().plainDestinations(besides: []).words
        #expect(words.0 & 0b111 == 0b110)
        #expect(words.0 & 1 << 10 == 0)
        #expect(words.1 & 1 << (127 - 64) == 0)
        #expect(words.3 == (1 << 32) - 2)  // 193 to 223
    }

    @Test func `it is read back from its words, and written as runs`() {
        var plain = PlainDestinations.global
        plain.remove(IPPrefix("10.0.0.0/8")!)
        #expect(PlainDestinations(words: plain.words) == plain)
        #expect(plain.description == "1-9 11-126 128-168 170-223")
        #expect(PlainDestinations.none.description == "none")
    }

    @Test func `nothing is plain without a default path, nor where the kernel routes`() {
        var configuration = configuration()
        configuration.routesByKernel = true
        #expect(configuration.plainDestinations(besides: []) == .none)
        configuration.routesByKernel = false
        configuration.defaultPathV4 = 0
        #expect(configuration.plainDestinations(besides: []) == .none)
    }

    @Test func `a route to all of IPv6 is one to all of IPv4, as the programs compare them`() {
        var configuration = configuration()
        configuration.routes.append(.init(prefix: IPPrefix("::/0")!, path: 4))
        #expect(configuration.plainDestinations(besides: []) == .none)
    }
}

import NetworkTypes
import Testing

@testable import AnchorDaemon

private let router = """
    [access-router]
    endpoints = ["192.0.2.1"]
    core-interfaces = ["core0"]
    [[access-router.access]]
    interface = "acc0"
    gateway = ["10.1.0.1/24", "fd01::1/64"]
    pools = ["10.1.0.0/24", "fd01::/64"]

    """

private func problems(_ nat: String) -> [String] {
    do throws(ConfigurationError) {
        _ = try DaemonConfiguration(text: router + "[access-router.nat]\n" + nat, file: "test.toml")
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

private func nat(_ text: String) throws -> NATSettings {
    let configuration = try DaemonConfiguration(text: router + "[access-router.nat]\n" + text, file: "test.toml")
    return try #require(configuration.accessRouter?.nat)
}

@Suite struct NATConfigurationTests {
    @Test func `without its table nothing is translated`() throws {
        #expect(try DaemonConfiguration(text: router, file: "test.toml").accessRouter?.nat == nil)
    }

    @Test func `inside are all IPv4 pools, unless it says which`() throws {
        let settings = try nat("outside = \"192.0.2.1\"")
        #expect(settings.inside == [IPPrefix("10.1.0.0/24")!])
        #expect(settings.outside.map(\.description) == ["192.0.2.1"])
        #expect(settings.flowCapacity == 65536 && settings.flowLimit == 4096 && settings.blocksPerHost == 4)
        #expect(settings.timeouts.tcpEstablished == .seconds(7440))
        #expect(settings.timeouts.udp == .seconds(300) && settings.timeouts.udpInboundRefresh)
        let part = try nat("inside = [\"10.1.0.128/25\"]\noutside = [\"192.0.2.8-192.0.2.11\", \"198.51.100.0/30\"]")
        #expect(part.inside == [IPPrefix("10.1.0.128/25")!])
        #expect(part.outside.map(\.count) == [4, 4])
        #expect(part.outside.map(\.description) == ["192.0.2.8-192.0.2.11", "198.51.100.0-198.51.100.3"])
    }

    @Test func `timeouts are seconds`() throws {
        let settings = try nat(
            "outside = \"192.0.2.1\"\ntcp-established = 8000\ntcp-transitory = 300.5\nudp = 120\nicmp = 61\n"
                + "udp-inbound-refresh = false")
        #expect(settings.timeouts.tcpTransitory == .milliseconds(300_500))
        #expect(settings.timeouts.icmp == .seconds(61))
        #expect(!settings.timeouts.udpInboundRefresh)
    }

    @Test func `outside addresses are needed, and are IPv4`() {
        #expect(
            problems("flow-limit = 10")
                == ["line 8: access-router.nat: outside is missing: the addresses that the core knows the hosts by"])
        #expect(
            problems("outside = []") == ["line 9: access-router.nat.outside: at least one is needed"])
        let wanted = "an IPv4 address, a range such as 192.0.2.8-192.0.2.11, or a block"
        let found = problems("outside = [\n\"192.0.2.9-192.0.2.8\",\n\"2001:db8::1\",\n\"x\"]")
        #expect(found[0] == "line 9: access-router.nat.outside: at least one is needed")
        #expect(found[1] == "line 10: access-router.nat.outside[0]: \"192.0.2.9-192.0.2.8\" is not \(wanted)")
        #expect(found[2] == "line 11: access-router.nat.outside[1]: \"2001:db8::1\" is not \(wanted)")
        #expect(found[3] == "line 12: access-router.nat.outside[2]: \"x\" is not \(wanted)")
    }

    @Test func `no address is inside and outside, a pool's, a gateway, or twice outside`() {
        #expect(
            problems("outside = [\"10.1.0.7\"]")
                == ["line 9: access-router.nat.outside[0]: 10.1.0.7 overlaps 10.1.0.0/24, which is inside"])
        #expect(
            problems("inside = \"10.1.0.128/25\"\noutside = [\"10.1.0.1\"]") == [
                "line 10: access-router.nat.outside[0]: 10.1.0.1 overlaps 10.1.0.0/24, a pool of access[0]",
                "line 10: access-router.nat.outside[0]: 10.1.0.1 is the gateway of access[0]: its hosts talk to it",
            ])
        #expect(
            problems("outside = [\"192.0.2.8/29\", \"192.0.2.15\"]")
                == ["line 9: access-router.nat.outside[1]: 192.0.2.15 overlaps 192.0.2.8-192.0.2.15"])
        #expect(
            problems("outside = [\"224.0.0.1\"]")
                == ["line 9: access-router.nat.outside[0]: 224.0.0.1 can't be reached from the core"])
    }

    @Test func `inside is a part of the pools`() {
        #expect(
            problems("inside = [\"10.2.0.0/24\", \"fd01::/64\"]\noutside = \"192.0.2.1\"") == [
                "line 9: access-router.nat.inside[0]: 10.2.0.0/24 is not within a pool of an access link",
                "line 9: access-router.nat.inside[1]: fd01::/64 is IPv6: IPv4 alone is translated",
            ])
        #expect(
            problems("inside = [\"10.1.0.0/25\", \"10.1.0.64/26\"]\noutside = \"192.0.2.1\"")
                == ["line 9: access-router.nat.inside[1]: 10.1.0.64/26 overlaps 10.1.0.0/25"])
    }

    @Test func `what is too many, or too large, is named with what is possible`() {
        let addresses = (1...9).map { "\"198.51.100.\($0 * 2)\"" }.joined(separator: ", ")
        #expect(
            problems("outside = [\(addresses)]")
                == ["line 9: access-router.nat.outside: 9 ranges; at most 8 are possible"])
        #expect(
            problems("outside = \"20.0.0.0/16\"")
                == ["line 9: access-router.nat.outside: 65536 addresses; at most 16384 are possible"])
        let blocks = (0..<5).map { "\"10.1.0.\($0 * 8)/29\"" }.joined(separator: ", ")
        #expect(
            problems("inside = [\(blocks)]\noutside = \"192.0.2.1\"")
                == ["line 9: access-router.nat.inside: 5 blocks; at most 4 are possible"])
        #expect(
            problems("outside = \"192.0.2.1\"\nblocks-per-host = 17\nflow-capacity = 1000\nflow-limit = 1001") == [
                "line 10: access-router.nat.blocks-per-host: 17 is out of range, 1 to 16",
                "line 12: access-router.nat.flow-limit: 1001 is more than flow-capacity, 1000",
            ])
        #expect(
            problems("outside = \"192.0.2.1\"\ntcp-transitory = 9000") == [
                "line 10: access-router.nat.tcp-transitory: 9000.0 seconds is longer than tcp-established, "
                    + "7440.0"
            ])
        #expect(
            problems("outside = \"192.0.2.1\"\nblock-per-host = 2")
                == ["line 10: access-router.nat.block-per-host: unknown key; did you mean 'blocks-per-host'?"])
    }
}

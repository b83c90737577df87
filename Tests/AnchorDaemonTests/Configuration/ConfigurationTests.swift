import NetworkTypes
import Testing

@testable import AnchorDaemon

private let complete = """
    instance = "ar1"
    [access-router]
    endpoints = ["192.0.2.1", "2001:db8:1::1"]
    core-interfaces = ["core0"]
    [[access-router.access]]
    interface = "acc0"
    gateway = ["10.1.0.1/24", "fd01::1/64"]
    pools = ["10.1.0.0/24", "fd01::/64"]
    [[access-router.server]]
    name = "fw"
    inside = "srv0"
    outside = "srv1"
    when-down = "refuse"
    [[access-router.node]]
    id = 1
    spi = 257
    key = "000102030405060708090a0b0c0d0e0f"
    """

private func problems(_ text: String) -> [ConfigurationProblem] {
    do throws(ConfigurationError) {
        _ = try DaemonConfiguration(text: text, file: "test.toml")
        return []
    } catch {
        return error.problems
    }
}

/// Line numbers and messages, for a text in which `old` stands in place of `new`.
private func problems(replacing old: String, by new: String) -> [String] {
    problems(complete.replacing(old, with: new)).map(\.description)
}

struct ConfigurationTests {
    @Test func `a complete file is read with its defaults`() throws {
        let configuration = try DaemonConfiguration(text: complete, file: "test.toml")
        let router = try #require(configuration.accessRouter)
        #expect(configuration.controlSocket == "/run/flowanchor/ar1.sock")
        #expect(configuration.stateDirectory == "/var/lib/flowanchor/ar1")
        #expect(router.endpoints.map(\.description) == ["192.0.2.1", "2001:db8:1::1"])
        #expect(router.access[0].gateways.map(\.description) == ["10.1.0.1/24", "fd01::1/64"])
        #expect(router.servers[0].legs == .two(inside: "srv0", outside: "srv1"))
        #expect(router.servers[0].whenDown == .refuse)
        #expect(router.nodes[0].key.count == 16)
        #expect(router.port == 4346)
        #expect(router.leaseLifetime == 600)
    }

    @Test func `every mistake is named with its line, none is skipped`() {
        let text = """
            instance = "a b"
            log-level = "loud"
            [access-router]
            endpoints = [
              "192.0.2.1",
              "somewhere",
            ]
            core-interface = ["core0"]
            [[access-router.access]]
            interface = "acc0"
            gateway = ["10.1.0.1/24"]
            pools = ["10.1.0.0/24", "10.1.0.128/25"]
            [[access-router.node]]
            id = 1
            spi = 12
            key = "00"
            """
        #expect(
            problems(text).map(\.description) == [
                "line 1: instance: \"a b\" is not a name of 1 to 32 letters, digits, '-' or '_'",
                "line 2: log-level: \"loud\" is none of \"trace\", \"debug\", \"info\", \"notice\", \"warning\", "
                    + "\"error\", \"critical\"",
                "line 3: access-router: core-interfaces is missing: the interfaces towards the Internet",
                "line 6: access-router.endpoints[1]: \"somewhere\" is not an IP address",
                "line 8: access-router.core-interface: unknown key; did you mean 'core-interfaces'?",
                "line 12: access-router.access[0].pools[1]: 10.1.0.128/25 overlaps 10.1.0.0/24 of access[0].pools[0]",
                "line 15: access-router.node[0].spi: 12 is out of range, 256 to 4294967295",
                "line 16: access-router.node[0].key: the key has 1 byte; it must have 16 to 64. "
                    + "'openssl rand -hex 32' makes one",
            ])
    }

    @Test func `lines that are no TOML are all named`() {
        let found = problems("instance = \nlog-level = \"info\"\ncontrol-socket = '/a\n")
        #expect(found.map(\.line) == [1, 3])
    }

    @Test func `an unknown key is named with the nearest known one`() {
        #expect(
            problems(replacing: "when-down", by: "when-dwon")
                == ["line 13: access-router.server[0].when-dwon: unknown key; did you mean 'when-down'?"])
    }

    @Test func `an interface has one role only`() {
        #expect(
            problems(replacing: "\"srv1\"", by: "\"core0\"")
                == ["line 12: access-router.server[0].outside: interface 'core0' is a core interface already"])
    }

    @Test func `a value of the wrong type is named with the right one`() {
        #expect(
            problems(replacing: "id = 1", by: "id = \"1\"")
                == ["line 15: access-router.node[0].id: expected an integer, found a string"])
    }

    @Test func `a second endpoint of a family, and one that cannot be reached, are refused`() {
        #expect(
            problems(replacing: "\"2001:db8:1::1\"", by: "\"127.0.0.1\"") == [
                "line 3: access-router.endpoints[1]: a second IPv4 endpoint; at most one a family is used",
                "line 3: access-router.endpoints[1]: 127.0.0.1 can't be reached from other routers' networks",
            ])
    }

    @Test func `a server with one leg says how it is reached`() {
        let text = complete.replacing("inside = \"srv0\"\noutside = \"srv1\"", with: "interface = \"srv0\"")
        #expect(
            problems(text).map(\.description)
                == ["line 9: access-router.server[0]: a server with one leg needs 'next-hop' or 'mac', and not both"])
    }

    @Test func `a file that asks for nothing is refused`() {
        #expect(problems("instance = \"x\"").map(\.line) == [1])
    }

    @Test func `a second role is refused`() {
        let both =
            complete
            + "\n[mobile-node]\nid = 1\nspi = 257\nkey = \"000102030405060708090a0b0c0d0e0f\"\ninterfaces = [\"wlan0\"]"
        let found = problems(both)
        #expect(found.map(\.key) == ["mobile-node"])
        #expect(found.first?.message.contains("one role") == true)
    }

    @Test func `a mobile node is read`() throws {
        let text = """
            [mobile-node]
            id = 1
            spi = 257
            key = "000102030405060708090a0b0c0d0e0f"
            interfaces = ["wlan0", "wlan1"]
            tunnel = "gre"
            sequenced = true
            """
        let node = try #require(try DaemonConfiguration(text: text, file: "test.toml").mobileNode)
        #expect(node.tunnel == .gre && node.isSequenced)
        #expect(problems(text.replacing("\"gre\"", with: "\"ipip\"")).map(\.line) == [7])
    }

    @Test func `a key file is read beside the configuration, and named when it is missing`() {
        #expect(
            problems(replacing: "key = \"000102030405060708090a0b0c0d0e0f\"", by: "key-file = \"no-such.key\"")
                == ["line 17: access-router.node[0].key-file: no-such.key cannot be read"])
    }
}

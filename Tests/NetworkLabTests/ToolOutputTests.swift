import Testing

@testable import NetworkLab

@Suite struct ToolOutputTests {
    @Test func `a firewall's counters are told apart by their comments`() {
        let counters = FirewallCounters(
            listing: """
                table inet firewall {
                	chain forward {
                		ct state established,related counter packets 12 bytes 900 accept comment "known"
                		ct state new ip saddr 10.1.0.0/24 counter packets 2 bytes 120 accept comment "begun inside"
                		ct state new ip6 saddr fd01::/64 counter packets 1 bytes 80 accept comment "begun inside"
                		counter packets 7 bytes 350 drop comment "refused"
                	}
                }
                """)
        #expect(counters.known == 12)
        #expect(counters.begun == 3)
        #expect(counters.refused == 7)
    }

    @Test func `ping's last lines say how many came back`() {
        let some = PingResult(output: "x\n3 packets transmitted, 2 received, 33.3333% packet loss, time 102ms\n")
        #expect(some.sent == 3)
        #expect(some.received == 2)
        #expect(!some.isComplete)
        #expect(!PingResult(output: "ping: connect: Network is unreachable").isComplete)
    }

    @Test(arguments: ["", "UPPER", "with-dash", "ninechars", "ü", "../x"])
    func `a lab's name can do no harm in paths and namespaces`(name: String) {
        #expect(LabIdentity(name) == nil)
    }

    @Test func `scenarios are found by name in any case, and an unknown one names those that exist`() throws {
        #expect(try Scenario.named(["s1-CONTROL"]).map(\.name) == ["S1-control"])
        #expect(try Scenario.named([]).count == Scenario.all.count)
        #expect { try Scenario.named(["Z9"]) } throws: { "\($0)".contains("S1-control") }
    }
}

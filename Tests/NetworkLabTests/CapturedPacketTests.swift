import NetworkTypes
import Testing

@testable import NetworkLab

@Suite struct CapturedPacketTests {
    /// Fields as tshark prints them, in the order of `CapturedPacket.fields`.
    func line(
        protocols: String, v4: (String, String, String) = ("", "", ""), v6: (String, String, String) = ("", "", ""),
        gre: (key: String, sequence: String, keyed: String, sequenced: String) = ("", "", "", "")
    ) -> String {
        [
            "1700000000.25", "98", protocols, v4.0, v4.1, v4.2, v6.0, v6.1, v6.2, gre.key, gre.sequence, gre.keyed,
            gre.sequenced,
        ].joined(separator: "\t")
    }

    let names = AddressNames()

    @Test func `headers come in the order of the packet, whatever their families`() throws {
        let packet = try #require(
            CapturedPacket(
                tsharkLine: line(
                    protocols: "eth:ethertype:ipv6:ip:ipv6:tcp", v4: ("10.0.0.1", "10.0.0.2", "63"),
                    v6: ("fd01::1,fd02::1", "fd01::2,fd02::2", "64,62")), link: "core"))
        #expect(packet.stack.notation(names) == "[fd01::1>fd01::2][10.0.0.1>10.0.0.2][fd02::1>fd02::2]")
        #expect(packet.timesToLive == [64, 63, 62])
        #expect(packet.transport == "tcp")
        #expect(packet.time == 1_700_000_000.25)
        #expect(packet.length == 98)
    }

    @Test func `what an ICMP error quotes is no header of the packet`() throws {
        let packet = try #require(
            CapturedPacket(
                tsharkLine: line(
                    protocols: "eth:ethertype:ip:icmp:ip:udp",
                    v4: ("10.0.0.1,10.0.0.2", "10.0.0.2,10.0.0.9", "64,1")), link: "core"))
        #expect(packet.stack.notation(names) == "[10.0.0.1>10.0.0.2]")
        #expect(packet.transport == "icmp")
    }

    @Test func `GRE keys and sequence numbers are read`() throws {
        let packet = try #require(
            CapturedPacket(
                tsharkLine: line(
                    protocols: "eth:ethertype:ip:gre:ip:icmp",
                    v4: ("10.0.0.1,10.1.0.1", "10.0.0.2,10.1.0.2", "64,63"), gre: ("0x000000ff", "7", "1", "1")),
                link: "core"))
        #expect(packet.stack.notation(names) == "[10.0.0.1>10.0.0.2] GRE(key, seq) [10.1.0.1>10.1.0.2]")
        #expect(packet.greKeys == [255])
        #expect(packet.greSequences == [7])
    }

    @Test func `extension headers and tags are passed over`() throws {
        let packet = try #require(
            CapturedPacket(
                tsharkLine: line(
                    protocols: "eth:ethertype:vlan:ethertype:ipv6:ipv6.hopopts:udp", v6: ("fd01::1", "fd01::2", "64")),
                link: "core"))
        #expect(packet.stack.headers.count == 1)
        #expect(packet.transport == "udp")
    }

    @Test(arguments: ["", "eth:ethertype:arp"]) func `a frame without IP is none`(protocols: String) {
        #expect(CapturedPacket(tsharkLine: line(protocols: protocols), link: "core") == nil)
        #expect(CapturedPacket(tsharkLine: "half a line", link: "core") == nil)
    }
}

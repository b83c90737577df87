import FlowAnchorABI
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// Fields of each C struct, from bytes as they are in memory.
@Suite struct MapDecodingTests {
    private let address = fa_address(IPAddress("192.0.2.1")!)

    /// A number whose bytes in memory are these, in this order.
    private func word(_ bytes: UInt8...) -> UInt32 { UInt32(bigEndian: bytes.reduce(0) { $0 << 8 | UInt32($1) }) }
    private func half(_ first: UInt8, _ second: UInt8) -> UInt16 {
        UInt16(bigEndian: UInt16(first) << 8 | UInt16(second))
    }

    @Test func `addresses are written from their first byte on`() {
        var bytes = fa_address()
        let inOrder: [UInt8] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]
        withUnsafeMutableBytes(of: &bytes) { $0.copyBytes(from: inOrder) }
        #expect(bytes.address == IPAddress("2001:db8::7"))
    }

    @Test func `a tunnelled host shows its key from network order`() {
        var value = fa_host_value()
        value.peer = address
        value.path = 3
        value.chain = 2
        value.node = 9
        value.flags = UInt16(FA_HOST_TUNNELLED | FA_HOST_GRE | FA_HOST_SEQUENCED)
        value.tunnel_key_be = word(0, 0, 1, 2)
        #expect(
            value.fields == [
                "peer": "192.0.2.1", "path": "3", "chain": "2", "node": "9", "tunnel": "gre key 258 sequenced",
                "flags": "tunnelled gre sequenced",
            ])
    }

    @Test func `an attached host shows its station, one that is both shows the station beside it`() {
        var value = fa_host_value()
        value.neighbour.mac = (2, 0, 0, 0, 0xab, 0xcd)
        value.neighbour.vlan = 12
        value.neighbour.port = 4
        value.flags = UInt16(FA_HOST_ATTACHED)
        #expect(value.fields["mac"] == "02:00:00:00:ab:cd")
        #expect(value.fields["vlan"] == "12")
        #expect(value.fields["port"] == "4")
        #expect(value.fields["peer"] == nil)

        var extra = fa_host_extra()
        extra.neighbour = value.neighbour
        value = fa_host_value()
        value.peer = address
        value.flags = UInt16(FA_HOST_ATTACHED | FA_HOST_TUNNELLED | FA_HOST_BICAST)
        let fields = value.fields(beside: extra, idle: .seconds(77))
        #expect(fields["mac"] == "02:00:00:00:ab:cd")
        #expect(fields["peer"] == "192.0.2.1")
        #expect(fields["tunnel"] == "ipip")
        #expect(fields["flags"] == "attached tunnelled bicast")
        #expect(fields["idle"] == "77 s")
    }

    @Test func `an unaware host shows its epoch, where it was before and who has flows of it`() {
        var value = fa_host_value()
        value.neighbour.anchors = 1 << 31 | 0b101
        value.node = 12
        value.previous = 3
        value.flags = UInt16(FA_HOST_ATTACHED | FA_HOST_UNAWARE | FA_HOST_CLAIMED)
        var fields = value.fields
        #expect(fields["epoch"] == "12" && fields["node"] == nil)
        #expect(fields["previous"] == "2")
        #expect(fields["anchors"] == "0 2 31")
        #expect(fields["flags"] == "attached unaware claimed")
        value.peer = address
        value.flags = UInt16(FA_HOST_TUNNELLED | FA_HOST_UNAWARE | FA_HOST_ASKED)
        fields = value.fields
        #expect(fields["flags"] == "tunnelled unaware asked")
        #expect(fields["anchors"] == nil && fields["tunnel"] == "ipip")
        value.previous = 0
        #expect(value.fields["previous"] == nil)
    }

    @Test func `a flow that began elsewhere shows its router and writes nothing`() {
        var slot = fa_translation()
        slot.key.kind = UInt8(FA_NAT_AWAY)
        slot.key.`protocol` = 17
        slot.key.local_be = UInt32(0x0a00_0001).bigEndian
        slot.key.local_port_be = UInt16(5000).bigEndian
        slot.seen = FA_NAT_SEEN
        slot.router = 3
        slot.subscriber = 8
        #expect(slot.fields == ["kind": "away", "router": "3", "subscriber": "8", "seen": "packet"])
        #expect(KeyText.translation(slot.key) == "away,udp,10.0.0.1:5000,0.0.0.0:0")
    }

    @Test func `beside a host are its sequence numbers and its shadow`() {
        var extra = fa_host_extra()
        extra.transmit_sequence = 5
        #expect(extra.fields == ["transmit-sequence": "5", "receive-sequence": "none"])
        extra.receive_sequence = 1 << 32 | 0xffff_fffe
        extra.neighbour.mac = (2, 0, 0, 0, 0, 1)
        extra.neighbour_path = 8
        extra.shadow.flags = UInt16(FA_HOST_TUNNELLED)
        extra.shadow.peer = address
        let fields = extra.fields
        #expect(fields["receive-sequence"] == "4294967294")
        #expect(fields["mac"] == "02:00:00:00:00:01")
        #expect(fields["path"] == "8")
        #expect(fields["shadow-peer"] == "192.0.2.1")
        #expect(fields["shadow-flags"] == "tunnelled")
    }

    @Test func `a table's state is in plain numbers`() {
        var state = fa_table_state()
        state.live = 1 << 33
        state.overflowed = 2
        state.spilled = 3
        state.second_bucket = 1
        #expect(
            state.fields == ["live": "8589934592", "overflowed": "2", "spilled": "3", "second-buckets": "true"])
    }

    @Test func `a path shows the copy in force, its checksum and VLAN in network order`() {
        var path = fa_path()
        path.generation = 7
        path.users = 2
        path.purpose.kind = UInt8(FA_PATH_TO_NEIGHBOUR)
        path.purpose.next_hop = fa_address(IPAddress("192.0.2.17")!)
        path.purpose.path_mtu = 1400
        path.copies.0.mtu = 1
        path.copies.1.flags = UInt16(FA_PATH_RESOLVED | FA_PATH_TUNNEL_V4 | FA_PATH_PEER_FROM_HOST)
        path.copies.1.mtu = 1380
        path.copies.1.port = 2
        path.copies.1.push = 20
        path.copies.1.ttl = 64
        path.copies.1.dscp = 46 << 2
        path.copies.1.vlan_be = half(0x60, 0x0c)
        path.copies.1.checksum = half(0x12, 0x34)
        path.copies.1.source = address
        path.copies.1.mac_destination = (2, 0, 0, 0, 0, 0x11)
        #expect(
            path.fields == [
                "generation": "7", "users": "2", "next-hop": "neighbour 192.0.2.17", "path-mtu": "1400 B",
                "flags": "resolved tunnel-v4 peer-from-host", "mtu": "1380 B", "port": "2", "push": "20 B",
                "ttl": "64", "dscp": "46", "vlan": "12", "checksum": "0x1234", "source": "192.0.2.1",
                "mac-source": "00:00:00:00:00:00", "mac-destination": "02:00:00:00:00:11",
            ])
    }

    @Test func `a path that drops names its reason`() throws {
        var copy = fa_path_copy()
        copy.flags = UInt16(FA_PATH_DROP)
        copy.reason = UInt8(try #require(Reason(name: "no_route")).number)
        #expect(copy.fields["reason"] == "no_route")
        #expect(copy.fields["push"] == nil)
    }

    @Test func `a chain is refused, bypassed, or leads to its servers`() {
        #expect(fa_chain(flags: 0, up: 1, down: 2, pad: 0).fields == ["up": "1", "down": "2"])
        #expect(fa_chain(flags: FA_CHAIN_REFUSE, up: 1, down: 2, pad: 0).fields == ["flags": "refuse"])
        #expect(fa_chain(flags: FA_CHAIN_BYPASS, up: 0, down: 0, pad: 0).fields == ["flags": "bypass"])
    }

    @Test func `a port shows its interface and its addresses`() {
        let port = Port(
            role: .serverOneLeg, name: "lo", interfaceIndex: 1, mac: MACAddress(bits: 0x02_00_00_00_00_05), mtu: 1500,
            addresses: [IPAddress("10.0.0.1")!, IPAddress("2001:db8::1")!], nextUp: 4, nextDown: 5)
        #expect(
            fa_port(port).fields == [
                "role": "server-one-leg", "interface": "lo", "interface-index": "1", "mac": "02:00:00:00:00:05",
                "mtu": "1500 B", "addresses": "10.0.0.1 2001:db8::1", "next-up": "4", "next-down": "5",
            ])
    }

    @Test func `the secret of the hash is hidden`() {
        var config = fa_config()
        config.abi = 2
        config.hash_secret = (0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210)
        config.host_mask = 255
        config.mss_v4 = 1400
        config.flags = FA_CONFIG_DECREMENT_TTL | FA_CONFIG_ROUTE_BY_KERNEL
        let fields = config.fields
        #expect(fields["hash-secret"] == "hidden")
        #expect(fields["host-buckets"] == "256")
        #expect(fields["flow-buckets"] == "none")
        #expect(fields["mss-v4"] == "1400 B")
        #expect(fields["mss-v6"] == "none")
        #expect(fields["flags"] == "route-by-kernel decrement-ttl")
        let text = fields.values.joined(separator: " ").lowercased()
        for secret in [config.hash_secret.0, config.hash_secret.1] {
            for radix in [10, 16] { #expect(!text.contains(String(secret, radix: radix))) }
        }
    }

    @Test func `a flow's ports are in network order, its bytes have their unit`() {
        var flow = fa_flow()
        flow.key.local = fa_address(IPAddress("10.1.0.5")!)
        flow.key.remote = fa_address(IPAddress("203.0.113.9")!)
        flow.key.local_port_be = half(0x13, 0x88)
        flow.key.remote_port_be = half(0, 80)
        flow.key.`protocol` = 6
        flow.seen = UInt32(FA_FLOW_UP | FA_FLOW_SYN_UP | FA_FLOW_FIN_DOWN)
        flow.packets_up = 3
        flow.bytes_up = 4000
        flow.packets_down = 1
        flow.bytes_down = 40
        #expect(
            flow.fields == [
                "transport": "tcp", "local": "10.1.0.5", "local-port": "5000", "remote": "203.0.113.9",
                "remote-port": "80", "anchor": "none", "seen": "up syn-up fin-down", "packets-up": "3",
                "bytes-up": "4000 B", "packets-down": "1", "bytes-down": "40 B",
            ])
        flow.anchor = address
        #expect(flow.fields["anchor"] == "192.0.2.1")
    }

    @Test func `a duplicate's lead is signed, and its age wraps around`() {
        func record(_ lead: Int16, _ time: UInt16, now: UInt16) -> DuplicatesView.Record? {
            let entry = UInt64(0xdead_beef) << 32 | UInt64(time) << 16 | UInt64(UInt16(bitPattern: lead))
            return .init(line: 7, position: 2, entry: entry, now: now)
        }
        #expect(record(3, 100, now: 110)?.leadText == "attached 3")
        #expect(record(-64, 100, now: 110)?.leadText == "tunnel 64")
        #expect(record(0, 100, now: 110)?.leadText == "none")
        #expect(record(1, 0xfff0, now: 4)?.age == 20)
        #expect(record(1, 100, now: 100 + UInt16(FA_DUPLICATE_LIFETIME))?.age == UInt16(FA_DUPLICATE_LIFETIME))
        #expect(record(1, 100, now: 101 + UInt16(FA_DUPLICATE_LIFETIME)) == nil)
        #expect(DuplicatesView.Record(line: 0, position: 0, entry: 0, now: 0) == nil)
    }

    @Test func `bits without a name are shown in hexadecimal`() {
        #expect(FieldText.flags(0b1011, [1: "one", 2: "two", 4: "four"]) == "one two 0x8")
        #expect(FieldText.flags(0, [1: "one"]) == "")
    }
}

import FlowAnchorABI
import KernelTestSupport
import NetworkTypes
import PacketKit
import Testing

@testable import AnchorDataPlane

/// Maps in the kernel as an operator reads them.
@Suite(.kernel) struct MapDumpTests {
    private func instance(_ name: String, spillCapacity: Int = 64, hostCapacity: Int = 1024) throws -> KernelInstance {
        try KernelInstance("dump-" + name, hostCapacity: hostCapacity, spillCapacity: spillCapacity)
    }

    @Test func `hosts, what is beside them, and their peers are found by address`() throws {
        let instance = try instance("hosts")
        let dataPlane = try #require(instance.dataPlane)
        let path = try dataPlane.path(for: PathSpecification(nextHop: .kernel))
        let attachment = HostAttachment(mac: MACAddress(bits: 0x02_00_00_00_00_07), port: 3)
        let tunnel = HostTunnel(peer: .documentation(7), kind: .gre(key: 5, sequenced: false), path: path)
        try dataPlane.setHost(.attached(.ten(1), node: 4))
        try dataPlane.setHost(HostEntry(key: HostKey(.ten(2)), node: 5, attachment: attachment, tunnel: tunnel))
        #expect(Set(try dataPlane.entries(of: .hosts, limit: 10).map(\.key)) == ["10.0.0.1", "10.0.0.2"])
        #expect(try dataPlane.entries(of: .hosts, limit: 1).count == 1)
        let host = try #require(try dataPlane.entries(of: .hosts, key: "10.0.0.2", limit: 10).first)
        #expect(host.fields["peer"] == "192.0.2.7")
        #expect(host.fields["tunnel"] == "gre key 5")
        #expect(host.fields["mac"] == "02:00:00:00:00:07")
        #expect(host.fields["idle"] == "0 s")
        let extra = try #require(try dataPlane.entries(of: .hostExtras, key: "10.0.0.2", limit: 10).first)
        #expect(extra.fields["mac"] == "02:00:00:00:00:07")
        #expect(extra.fields["shadow-in-force"] == "false")
        let peers = try dataPlane.entries(of: .peers, limit: 10)
        #expect(peers == [MapEntry(key: "192.0.2.7", fields: ["users": "1"])])
        #expect(try dataPlane.entries(of: .peers, key: "192.0.2.8", limit: 10).isEmpty)
        #expect(try dataPlane.entries(of: .hostState, key: "0", limit: 10).first?.fields["live"] == "2")
        #expect(try dataPlane.entries(of: .peerState, limit: 10).first?.fields["live"] == "1")
        #expect(try dataPlane.entriesInUse(of: .hosts) == 2)
        #expect(try dataPlane.entriesInUse(of: .hostExtras) == 2)
        #expect(try dataPlane.entriesInUse(of: .peers) == 1)
        #expect(throws: DataPlaneError.self) { try dataPlane.entries(of: .hosts, key: "here", limit: 1) }
    }

    @Test func `a value that is being changed is shown from its shadow`() throws {
        let instance = try instance("shadow")
        let dataPlane = try #require(instance.dataPlane)
        try dataPlane.setHost(.attached(.ten(1), node: 4))
        let maps = dataPlane.maps
        let table = SlotTable<HostLayout>(
            slots: maps.hosts.base, capacity: maps.hosts.count, state: maps.hostState.base)
        let index = try #require((0..<table.capacity).first { table.word($0).isInUse })
        maps.extras[index].shadow = maps.hosts[index].value
        maps.extras[index].shadow.node = 99
        let shadowed = try #require(table.shadow(.init(index: index, word: table.word(index))))
        #expect(try dataPlane.entries(of: .hosts, limit: 1).first?.fields["node"] == "99")
        #expect(try dataPlane.entries(of: .hostExtras, limit: 1).first?.fields["shadow-in-force"] == "true")
        table.unshadow(shadowed)
        #expect(try dataPlane.entries(of: .hosts, limit: 1).first?.fields["node"] == "4")
    }

    @Test func `hosts that found no slot are in the spill map alone`() throws {
        let instance = try instance("spill", spillCapacity: 100, hostCapacity: 8)
        let dataPlane = try #require(instance.dataPlane)
        for number in 0..<20 { try dataPlane.setHost(.attached(.ten(number))) }
        let slots = try dataPlane.entries(of: .hosts, limit: 100).map(\.key)
        let spilled = try dataPlane.entries(of: .hostSpill, limit: 100).map(\.key)
        #expect(Set(slots + spilled) == Set((0..<20).map { "\(IPAddress.ten($0))" }))
        #expect(slots.count + spilled.count == 20)
        #expect(try dataPlane.entriesInUse(of: .hostSpill) == spilled.count)
        #expect(try dataPlane.entries(of: .hostSpill, limit: 3).count == 3)
        let one = try #require(spilled.first)
        #expect(try dataPlane.entries(of: .hostSpill, key: one, limit: 9).map(\.key) == [one])
    }

    @Test func `admitted peers are found by their host, and counted once`() throws {
        let instance = try instance("admitted")
        let dataPlane = try #require(instance.dataPlane)
        for peer in [1, 2, 2] { try dataPlane.setAdmittedPeer(.documentation(peer), of: .ten(1), isAdmitted: true) }
        try dataPlane.setAdmittedPeer(.documentation(1), of: .ten(2), isAdmitted: true)
        #expect(try dataPlane.entriesInUse(of: .admitted) == 3)
        #expect(try dataPlane.entries(of: .admitted, key: "10.0.0.1", limit: 10).count == 2)
        let one = try dataPlane.entries(of: .admitted, key: "10.0.0.1,192.0.2.2", limit: 10)
        let entry = MapEntry(key: "10.0.0.1,192.0.2.2", fields: ["host": "10.0.0.1", "peer": "192.0.2.2"])
        #expect(one == [entry])
        for _ in 0..<2 { try dataPlane.setAdmittedPeer(.documentation(1), of: .ten(2), isAdmitted: false) }
        #expect(try dataPlane.entriesInUse(of: .admitted) == 2)
        let adopted = try instance.restart()
        #expect(try adopted.entriesInUse(of: .admitted) == 0)
        #expect(try adopted.entries(of: .admitted, limit: 10).isEmpty)
    }

    @Test func `ports and devices are found by number and by interface`() throws {
        let instance = try instance("ports")
        let dataPlane = try #require(instance.dataPlane)
        let port = Port(role: .core, name: "lo", interfaceIndex: 1, mac: MACAddress(bits: 1), mtu: 1500)
        try dataPlane.setPort(5, port)
        for key in ["5", "lo"] {
            let found = try dataPlane.entries(of: .ports, key: key, limit: 9)
            #expect(found.map(\.key) == ["5"])
            #expect(found.first?.fields["role"] == "core")
            let devices = try dataPlane.entries(of: .devices, key: key, limit: 9)
            #expect(devices == [MapEntry(key: "5", fields: ["interface": "lo", "interface-index": "1"])])
        }
        #expect(try dataPlane.entriesInUse(of: .devices) == 1)
        #expect(try dataPlane.entriesInUse(of: .ports) == 1)
        #expect(try dataPlane.entries(of: .ports, key: "eth77", limit: 9).isEmpty)
    }

    @Test func `paths, chains and reasons are found by what names them`() throws {
        let instance = try instance("paths")
        let dataPlane = try #require(instance.dataPlane)
        let drop = try dataPlane.path(for: PathSpecification(nextHop: .drop(#require(Reason(name: "no_route")))))
        try dataPlane.setChain(3, .through(up: drop, down: drop))
        try dataPlane.setChain(4, .refuse)
        let path = try #require(try dataPlane.entries(of: .paths, key: "\(drop)", limit: 9).first)
        #expect(path.fields["next-hop"] == "nobody")
        #expect(path.fields["reason"] == "no_route")
        #expect(path.fields["users"] == "2")
        #expect(try dataPlane.entriesInUse(of: .paths) == 1)
        #expect(try dataPlane.entriesInUse(of: .chains) == 2)
        #expect(try dataPlane.entries(of: .chains, key: "4", limit: 9).first?.fields == ["flags": "refuse"])
        let reason = try dataPlane.entries(of: .reasons, key: "no_route", limit: 9)
        #expect(reason == [MapEntry(key: "no_route", fields: ["packets": "0", "kind": "drop"])])
        #expect(throws: DataPlaneError.self) { try dataPlane.entries(of: .reasons, key: "luck", limit: 1) }
    }

    @Test func `no map shows the secret of the hash`() throws {
        let instance = try instance("secret")
        let dataPlane = try #require(instance.dataPlane)
        try dataPlane.setHost(.attached(.ten(1)))
        let secret = dataPlane.maps.config[0].hash_secret
        for map in dataPlane.inspectedMaps {
            let text = "\(try dataPlane.entries(of: map, limit: 1000))".lowercased()
            for word in [secret.0, secret.1] {
                for radix in [10, 16] { #expect(!text.contains(String(word, radix: radix)), "\(map)") }
            }
        }
        #expect(try dataPlane.entries(of: .configuration, limit: 1).first?.fields["hash-secret"] == "hidden")
    }

    @Test func `flows are found by their five-tuple, and counted`() throws {
        let bench = try MobileNodeBench()
        let way = TunnelCase(outer: .v4, inner: .v6, kind: .ipip)
        try way.add(to: bench)
        for port: UInt16 in [4000, 4001, 4002] {
            let packet = Frame.encode([
                .towardsGateway, .ip(way.address, way.correspondent), .udp(.init(port, 53)), .payload([1, 2, 3]),
            ])
            _ = try bench.send(packet)
        }
        let dataPlane = bench.dataPlane
        #expect(try dataPlane.entriesInUse(of: .flows) == 3)
        #expect(try dataPlane.entries(of: .flows, limit: 2).count == 2)
        let key = "udp,[\(way.address)]:4001,[\(way.correspondent)]:53"
        let flow = try #require(try dataPlane.entries(of: .flows, key: key, limit: 9).first)
        #expect(flow.key == key)
        #expect(flow.fields["packets-up"] == "1")
        #expect(flow.fields["bytes-up"] == "51 B")
        #expect(flow.fields["seen"] == "up")
        #expect(flow.fields["anchor"] == "\(way.anchor)")
        #expect(flow.fields["age"] == "0 s")
        #expect(try dataPlane.entries(of: .flowState, limit: 1).first?.fields["live"] == "3")
        try bench.flows.remove { $0.key.localPort == 4001 }
        #expect(try dataPlane.entriesInUse(of: .flows) == 2)
        #expect(try dataPlane.entries(of: .flows, key: key, limit: 9).isEmpty)
    }

    @Test func `copies of packets are shown by line while they count`() throws {
        let instance = try instance("copies")
        let dataPlane = try #require(instance.dataPlane)
        let now = try dataPlane.quarterTick()
        let place = dataPlane.maps.duplicates.pointer(to: 6) + 3 * MemoryLayout<UInt64>.size
        place.storeBytes(of: 7 << 32 | UInt64(now) << 16 | 2, as: UInt64.self)
        let found = try dataPlane.entries(of: .duplicates, limit: 9)
        #expect(found.map(\.key) == ["6.3"])
        #expect(found.first?.fields["lead"] == "attached 2")
        #expect(try dataPlane.entriesInUse(of: .duplicates) == 1)
        #expect(try dataPlane.entries(of: .duplicates, key: "6", limit: 9).count == 1)
        #expect(try dataPlane.entries(of: .duplicates, key: "6.2", limit: 9).isEmpty)
    }

    @Test func `each processor has its limit, and what the kernel said only if it was asked`() throws {
        let instance = try instance("processors")
        let dataPlane = try #require(instance.dataPlane)
        let limits = try dataPlane.entries(of: .limits, limit: 1000)
        let none = [
            "used": "0", "allowed": "1000", "age": "never", "held": "0", "held_allowed": "16384", "held_age": "never",
        ]
        #expect(limits.first == MapEntry(key: "cpu0", fields: none))
        #expect(try dataPlane.entries(of: .limits, key: "cpu0", limit: 9).count == 1)
        #expect(try dataPlane.entries(of: .kernelPath, limit: 9).isEmpty)
        var limit = fa_limit()
        limit.tick = try dataPlane.tick() &- 1000
        limit.used = 12
        let fields = limit.fields(dataPlane.clock, at: try dataPlane.tick())
        #expect(fields["used"] == "12")
        #expect(fields["age"] != "never" && fields["age"] != "0 s")
    }

    @Test func `what the kernel's routes said is shown for the processor that asked`() throws {
        let instance = try instance("kernel")
        let dataPlane = try #require(instance.dataPlane)
        let mac = MACAddress(bits: 0x02_00_00_00_00_aa)
        try dataPlane.setPort(1, Port(role: .access, name: "lo", interfaceIndex: 1, mac: mac, mtu: 1500))
        try dataPlane.setConfiguration(
            DataPlaneConfiguration(pools: [IPPrefix("10.0.0.0/24")!], routesByKernel: true))
        try dataPlane.setHost(.attached(.ten(1)))
        let frame = Frame.encode([
            .ethernet(.init(destination: mac, source: MACAddress(bits: 0x02_00_00_00_00_01))),
            .ip(.ten(1), IPAddress("203.0.113.9")!), .udp(.init(5000, 53)), .payload([1, 2, 3]),
        ])
        _ = try dataPlane.unattachedPrograms(1).program("fa_access").testRun(frame)
        let found = try dataPlane.entries(of: .kernelPath, limit: 9)
        #expect(found.count == 1)
        let entry = try #require(found.first)
        #expect(entry.key.hasPrefix("cpu"))
        // Whether it has a route for it is the machine's matter.
        #expect(["kernel", "resolved"].contains(entry.fields["flags"]))
        #expect(entry.fields["interface-index"] != nil)
        #expect(try dataPlane.entries(of: .kernelPath, key: entry.key, limit: 9).map(\.key) == [entry.key])
    }

    @Test func `the ring of events shows its positions`() throws {
        let instance = try instance("ring")
        let dataPlane = try #require(instance.dataPlane)
        let ring = try #require(try dataPlane.entries(of: .events, limit: 9).first)
        #expect(ring.fields == ["written": "0 B", "read": "0 B", "waiting": "0 B", "capacity": "4194304 B"])
        #expect(try dataPlane.entriesInUse(of: .events) == 0)
    }
}

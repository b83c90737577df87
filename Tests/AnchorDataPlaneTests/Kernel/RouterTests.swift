import BPFKit
import FlowAnchorABI
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane

/// Other routers, as the programs find them: by number, and by where a packet comes from.
@Suite(.kernel) struct RouterTests {
    private func path(_ dataPlane: KernelDataPlane, _ number: Int = 1) throws -> PathIndex {
        try dataPlane.path(
            for: PathSpecification(
                nextHop: .neighbour(.documentation(200 + number), port: 2),
                encapsulation: Encapsulation(source: .documentation(1), kind: .ipip)))
    }

    private func peer(_ address: IPAddress, _ dataPlane: KernelDataPlane) -> fa_peer? {
        (0..<dataPlane.maps.peers.count).lazy.filter {
            SlotWord(raw: dataPlane.maps.peers[$0].header.word).isInUse
        }.map { dataPlane.maps.peers[$0] }.first { $0.address.address == address }
    }

    private func users(_ path: PathIndex, _ dataPlane: KernelDataPlane) -> UInt32? {
        dataPlane.paths.first { $0.index == path }?.users
    }

    @Test func `a router is found by its number and by its address`() throws {
        let instance = try KernelInstance("router")
        let dataPlane = try #require(instance.dataPlane)
        let path = try path(dataPlane)
        let routers = [0: RouterEntry(address: .documentation(10), path: path), 5: .init(address: .ten(9), path: path)]
        for (index, router) in routers { try dataPlane.setRouter(index, router) }
        #expect(dataPlane.routers == routers)
        #expect(dataPlane.maps.config[0].router_count == 6)
        #expect(dataPlane.maps.routers[5].address.address == .ten(9))
        #expect(peer(.documentation(10), dataPlane)?.router == 1)
        #expect(peer(.ten(9), dataPlane)?.router == 6)
        #expect(users(path, dataPlane) == 2)
        try dataPlane.setConfiguration(DataPlaneConfiguration())
        #expect(dataPlane.maps.config[0].router_count == 6, "it is no part of the configuration")
    }

    @Test func `what is forgotten names nothing any more`() throws {
        let instance = try KernelInstance("router-gone")
        let dataPlane = try #require(instance.dataPlane)
        let path = try path(dataPlane)
        try dataPlane.setRouter(0, RouterEntry(address: .documentation(10), path: path))
        try dataPlane.setRouter(3, RouterEntry(address: .documentation(13), path: path))
        try dataPlane.setHost(.tunnelled(.ten(1), to: .documentation(13), path: path))
        try dataPlane.setRouter(3, nil)
        #expect(dataPlane.maps.config[0].router_count == 1)
        let left = try #require(peer(.documentation(13), dataPlane))
        #expect(left.router == 0 && left.users == 1, "a host is there yet")
        try dataPlane.setRouter(0, nil)
        #expect(dataPlane.maps.config[0].router_count == 0)
        #expect(peer(.documentation(10), dataPlane) == nil)
        #expect(users(path, dataPlane) == 1)
        #expect(dataPlane.routers.isEmpty)
    }

    @Test func `a router gets another path or address`() throws {
        let instance = try KernelInstance("router-change")
        let dataPlane = try #require(instance.dataPlane)
        let (first, second) = (try path(dataPlane), try path(dataPlane, 2))
        try dataPlane.setRouter(1, RouterEntry(address: .documentation(10), path: first))
        try dataPlane.setRouter(1, RouterEntry(address: .documentation(10), path: second))
        #expect(users(first, dataPlane) == 0 && users(second, dataPlane) == 1)
        #expect(peer(.documentation(10), dataPlane)?.users == 1)
        let moved = RouterEntry(address: IPAddress(high: 0x2001_0db8 << 32, low: 7), path: second)
        try dataPlane.setRouter(1, moved)
        #expect(dataPlane.routers == [1: moved])
        #expect(peer(.documentation(10), dataPlane) == nil)
        #expect(peer(moved.address, dataPlane)?.router == 2)
        #expect(users(second, dataPlane) == 1)
    }

    @Test func `what can't be is refused, and changes nothing`() throws {
        let instance = try KernelInstance("router-wrong")
        let dataPlane = try #require(instance.dataPlane)
        let path = try path(dataPlane)
        let router = RouterEntry(address: .documentation(10), path: path)
        try dataPlane.setRouter(0, router)
        for (index, wrong) in [
            (-1, router), (32, router), (1, router), (1, RouterEntry(address: .documentation(11), path: 77)),
        ] {
            #expect(throws: DataPlaneError.self) { try dataPlane.setRouter(index, wrong) }
        }
        #expect(dataPlane.routers == [0: router])
    }

    @Test func `routers are adopted, with what they use`() throws {
        let instance = try KernelInstance("router-adopt")
        let dataPlane = try #require(instance.dataPlane)
        let path = try path(dataPlane)
        let router = RouterEntry(address: .documentation(10), path: path)
        try dataPlane.setRouter(4, router)
        try dataPlane.setHost(.tunnelled(.ten(1), to: .documentation(10), path: path))
        let adopted = try instance.restart()
        #expect(adopted.routers == [4: router])
        #expect(users(path, adopted) == 2)
        #expect(peer(.documentation(10), adopted)?.users == 2)
        #expect(peer(.documentation(10), adopted)?.router == 5)
        // The far ends of tunnels have another table then.
        let larger = try instance.restart { $0.hostCapacity = 4096 }
        #expect(peer(.documentation(10), larger)?.router == 5)
        #expect(larger.maps.config[0].router_count == 5)
    }

    @Test func `a process that was killed half-way leaves no peer that is taken for a router`() throws {
        let instance = try KernelInstance("router-killed")
        let dataPlane = try #require(instance.dataPlane)
        let path = try path(dataPlane)
        try dataPlane.setRouter(4, RouterEntry(address: .documentation(10), path: path))
        try dataPlane.setHost(.tunnelled(.ten(1), to: .documentation(10), path: path))
        dataPlane.maps.routers[4].path = 0
        let adopted = try instance.restart()
        #expect(peer(.documentation(10), adopted)?.router == 0)
        #expect(peer(.documentation(10), adopted)?.users == 1)
        #expect(adopted.maps.config[0].router_count == 0)
    }

    @Test func `they are shown`() throws {
        let instance = try KernelInstance("router-shown")
        let dataPlane = try #require(instance.dataPlane)
        let path = try path(dataPlane)
        try dataPlane.setRouter(4, RouterEntry(address: .documentation(10), path: path))
        for key in [nil, "4", "192.0.2.10"] {
            let entries = try dataPlane.entries(of: .routers, key: key, limit: 10)
            #expect(entries.map(\.key) == ["4"])
            #expect(entries.first?.fields == ["address": "192.0.2.10", "path": "\(path)"])
        }
        #expect(try dataPlane.entries(of: .routers, key: "3", limit: 10).isEmpty)
        #expect(throws: DataPlaneError.self) { try dataPlane.entries(of: .routers, key: "x", limit: 10) }
        #expect(try dataPlane.entriesInUse(of: .routers) == 1)
        #expect(try dataPlane.entries(of: .peers, limit: 10).first?.fields["router"] == "4")
        #expect(try dataPlane.entries(of: .configuration, limit: 1).first?.fields["routers"] == "0 to 4")
    }
}

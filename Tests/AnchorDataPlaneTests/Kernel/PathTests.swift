import FlowAnchorABI
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane

@Suite(.kernel) struct PathTests {
    private let port = Port(
        role: .core, name: "core0", interfaceIndex: 1, mac: MACAddress(bits: 0x0200_0000_0002), mtu: 1500)
    private var tunnel: PathSpecification {
        PathSpecification(
            nextHop: .neighbour(.documentation(254), port: 2),
            encapsulation: Encapsulation(source: .documentation(1), kind: .gre(sequenced: true)))
    }

    @Test func `equal specifications share a path, others don't`() throws {
        let instance = try KernelInstance("share")
        let dataPlane = try #require(instance.dataPlane)
        var other = tunnel
        other.pathMTU = 1400
        let index = try dataPlane.path(for: tunnel)
        #expect(index != 0)
        #expect(try dataPlane.path(for: tunnel) == index)
        #expect(try dataPlane.path(for: other) != index)
        #expect(dataPlane.paths.map(\.specification) == [tunnel, other])
    }

    @Test func `a path is resolved with its port and neighbour, and follows both`() throws {
        let instance = try KernelInstance("follow")
        let dataPlane = try #require(instance.dataPlane)
        let index = try dataPlane.path(for: tunnel)
        func copy() -> fa_path_copy { dataPlane.maps.paths[Int(index)].current }
        #expect(!copy().has(FA_PATH_RESOLVED))
        try dataPlane.setPort(2, port)
        #expect(!copy().has(FA_PATH_RESOLVED))
        #expect(copy().mtu == 1500 - 32)
        try dataPlane.setNextHop(tunnel.nextHop, NextHopResolution(destination: MACAddress(bits: 5)))
        #expect(copy().has(FA_PATH_RESOLVED))
        #expect(MACAddress(copy().mac_destination) == MACAddress(bits: 5))
        #expect(MACAddress(copy().mac_source) == port.mac)
        var changed = port
        changed.mtu = 9000
        changed.mac = MACAddress(bits: 0x0200_0000_0003)
        try dataPlane.setPort(2, changed)
        #expect(copy().mtu == 9000 - 32)
        #expect(MACAddress(copy().mac_source) == changed.mac)
        try dataPlane.setNextHop(tunnel.nextHop, NextHopResolution(destination: nil))
        #expect(!copy().has(FA_PATH_RESOLVED))
        #expect(copy().push == 32)
    }

    @Test func `the constant sum of an outer header is that of its words`() {
        // 45 00, 40 00, 40 00 (TTL 64), c0 00, 02 01 as words of a little-endian machine.
        let sum = 0x0045 + 0x0040 + 0x0040 + 0x00c0 + 0x0102
        #expect(fa_path_copy.headerSum(ttl: 64, source: 0xc000_0201) == UInt16(sum))
    }

    @Test func `every specification is recovered from shared memory`() throws {
        let reason = try #require(Reason(name: "no_route"))
        let specifications = [
            tunnel,
            PathSpecification(nextHop: .host(port: 1)),
            PathSpecification(nextHop: .station(.zero, port: 4)),
            PathSpecification(nextHop: .station(MACAddress(bits: 77), port: 4), pathMTU: 1300),
            PathSpecification(nextHop: .kernel),
            PathSpecification(nextHop: .drop(reason)),
            PathSpecification(
                nextHop: .neighbour(IPAddress(high: 1, low: 2), port: 3),
                encapsulation: Encapsulation(
                    source: IPAddress(high: 3, low: 4), destination: IPAddress(high: 5, low: 6), kind: .ipip, ttl: 9,
                    dscp: 46)),
        ]
        let instance = try KernelInstance("recover")
        let before = try #require(instance.dataPlane)
        for specification in specifications { _ = try before.path(for: specification) }
        let entries = before.paths
        let after = try instance.restart()
        #expect(after.wasAdopted)
        #expect(after.paths.map(\.specification) == entries.map(\.specification))
        for entry in entries { #expect(try after.path(for: entry.specification) == entry.index) }
    }

    @Test func `users of a path are counted and found again after a restart`() throws {
        let instance = try KernelInstance("users")
        let dataPlane = try #require(instance.dataPlane)
        let index = try dataPlane.path(for: tunnel)
        for number in 0..<5 {
            try dataPlane.setHost(.tunnelled(.ten(number), to: .documentation(9), path: index))
        }
        try dataPlane.removeHost(HostKey(.ten(0)))
        try dataPlane.setHost(.attached(.ten(1)))
        try dataPlane.setChain(1, .through(up: index, down: index))
        #expect(dataPlane.paths.first { $0.index == index }?.users == 5)
        let after = try instance.restart()
        #expect(after.paths.first { $0.index == index }?.users == 5)
        try after.setChain(1, .bypass)
        #expect(after.paths.first { $0.index == index }?.users == 3)
    }

    @Test func `bad specifications are refused with what is wrong`() throws {
        let instance = try KernelInstance("badpath")
        let dataPlane = try #require(instance.dataPlane)
        let mixed = Encapsulation(source: .documentation(1), destination: IPAddress(high: 1, low: 1), kind: .ipip)
        #expect(throws: DataPlaneError.self) {
            try dataPlane.path(for: PathSpecification(nextHop: .kernel, encapsulation: mixed))
        }
        #expect(throws: DataPlaneError.self) {
            try dataPlane.path(for: PathSpecification(nextHop: .host(port: 64)))
        }
    }
}

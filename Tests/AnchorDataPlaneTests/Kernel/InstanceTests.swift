import BPFKit
import FlowAnchorABI
import Glibc
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane

@Suite(.kernel) struct InstanceTests {
    @Test func `what was set is there after the process that set it`() throws {
        let instance = try KernelInstance("adopt")
        let before = try #require(instance.dataPlane)
        var configuration = DataPlaneConfiguration(
            endpoints: [.documentation(1), IPAddress(high: 1, low: 2)], maximumSegmentV4: 1400, routesByKernel: true)
        configuration.pools = ["10.1.0.0/16", "2001:db8::/64"].compactMap(IPPrefix.init)
        configuration.routes = ["10.0.0.0/8", "10.2.0.0/16"].compactMap(IPPrefix.init).map {
            .init(prefix: $0, path: 0)
        }
        let port = Port(
            role: .access, name: "lo", interfaceIndex: 1, mac: MACAddress(bits: 5), mtu: 1500,
            addresses: [.ten(1), IPAddress(high: 9, low: 9)])
        try before.setConfiguration(configuration)
        try before.setPort(3, port)
        try before.setHosts((0..<100).map { HostEntry.attached(.ten($0)) })
        let after = try instance.restart()
        #expect(after.wasAdopted)
        #expect(after.mendedEntries == 0)
        #expect(after.hostTable.entries == 100)
        #expect(after.port(3) == port)
        #expect(try after.host(HostKey(.ten(42))) == .attached(.ten(42)))
        #expect(Set(after.configuration.routes.map(\.prefix)) == Set(configuration.routes.map(\.prefix)))
        #expect(after.configuration.routes.first?.prefix == IPPrefix("10.2.0.0/16"))
        #expect(after.configuration.pools == configuration.pools)
        #expect(after.configuration.endpoints == configuration.endpoints)
    }

    @Test func `a second daemon on the same tables is refused`() throws {
        let instance = try KernelInstance("twice")
        do {
            _ = try KernelDataPlane(instance.options)
            Issue.record("opened twice")
        } catch {
            guard case .inUse = error else { throw error }
        }
        do {
            _ = try KernelDataPlane.unload(instance.options)
            Issue.record("unloaded in use")
        } catch {
            guard case .inUse = error else { throw error }
        }
    }

    @Test func `a table that is too small grows to the size that is configured`() throws {
        let instance = try KernelInstance("grow", hostCapacity: 64, spillCapacity: 100)
        let before = try #require(instance.dataPlane)
        let path = try before.path(for: PathSpecification(nextHop: .kernel))
        let hosts = (0..<100).map { HostEntry.tunnelled(.ten($0), to: .documentation($0), path: path) }
        try before.setHosts(hosts)
        #expect(before.hostTable.spilled > 0)
        let secret = before.maps.config[0].hash_secret
        let after = try instance.restart { $0.hostCapacity = 2048 }
        #expect(after.wasAdopted)
        #expect(after.hostTable == TableStatistics(entries: 100, capacity: 2048, spilled: 0))
        #expect(after.maps.config[0].hash_secret == secret)
        #expect(after.maps.config[0].host_mask == 2048 / 4 - 1)
        for host in hosts { #expect(try after.host(host.key) == host) }
        #expect(after.paths.first { $0.index == path }?.users == 100)
        // What is pinned is the larger one.
        #expect(try instance.restart { $0.hostCapacity = 2048 }.hostTable.entries == 100)
        #expect(BPFFileSystem.contents(of: instance.options.folder) == ["links", "maps"])
    }

    @Test func `a table does not shrink below what is in it, and stays`() throws {
        let instance = try KernelInstance("shrink", hostCapacity: 1024)
        try instance.dataPlane?.setHosts((0..<500).map { HostEntry.attached(.ten($0)) })
        do {
            _ = try instance.restart { $0.hostCapacity = 64 }
            Issue.record("shrunk")
        } catch let error as DataPlaneError {
            guard case .tableFull = error else { throw error }
        }
        #expect(try instance.restart().hostTable.entries == 500)
    }

    @Test func `a flow table of another size is refused and stays`() throws {
        let instance = try KernelInstance("flowsize", program: .mobileNode)
        do {
            _ = try instance.restart { $0.flowCapacity = 64 }
            Issue.record("adopted")
        } catch let error as DataPlaneError {
            #expect(error.description.contains("fa_flows has number of entries 16384, not 64"))
        }
        #expect(try instance.restart().wasAdopted)
    }

    @Test func `tables of another version are refused`() throws {
        let instance = try KernelInstance("version")
        instance.dataPlane?.maps.config[0].abi += 1
        do {
            _ = try instance.restart()
            Issue.record("adopted")
        } catch let error as DataPlaneError {
            #expect(error.description.contains("version \(FA_ABI_VERSION + 1)"))
        }
    }

    @Test func `tables that were being made when their maker was killed are made anew`() throws {
        let instance = try KernelInstance("half")
        let folder = instance.options.mapFolder
        instance.release()
        try BPFFileSystem.unpin(folder + "/fa_config")
        #expect(!BPFFileSystem.contents(of: folder).isEmpty)
        #expect(try !instance.restart().wasAdopted)
    }

    @Test func `slots that a killed writer left are mended`() throws {
        let instance = try KernelInstance("mend", hostCapacity: 1024)
        let before = try #require(instance.dataPlane)
        try before.setHosts((0..<100).map { HostEntry.attached(.ten($0)) })
        let maps = before.maps
        var wasClaimed = false
        var wasShadowed = false
        for index in 0..<maps.hosts.count {
            let word = SlotWord(raw: maps.hosts[index].header.word)
            if word.state == .free, !wasClaimed {
                // Killed while it was inserting.
                maps.hosts[index].header.word = word.next(.claimed, tag: 5).raw
                wasClaimed = true
            } else if word.state == .live, maps.hosts[index].address.address == .ten(7) {
                // Killed while it was changing the value.
                maps.extras[index].shadow = maps.hosts[index].value
                maps.extras[index].shadow.node = 4711
                maps.hosts[index].header.word = word.next(.shadowed).raw
                maps.hosts[index].value.peer.bytes.0 = 0xff
                wasShadowed = true
            }
        }
        #expect(wasClaimed && wasShadowed)
        // What readers see before it is mended is the new value already.
        #expect(try before.host(HostKey(.ten(7))) == .attached(.ten(7), node: 4711))
        let after = try instance.restart()
        #expect(after.mendedEntries == 2)
        #expect(after.hostTable.entries == 100)
        #expect(try after.host(HostKey(.ten(7))) == .attached(.ten(7), node: 4711))
    }

    @Test func `names and sizes that can't be are refused before anything is made`() {
        for options in [
            KernelDataPlane.Options(instance: "../x"), .init(instance: ""), .init(instance: "a.b"),
            .init(instance: "ok", hostCapacity: 7), .init(instance: "ok", hostCapacity: 1 << 40),
            .init(instance: "ok", spillCapacity: 0),
        ] {
            do {
                _ = try KernelDataPlane(options)
                Issue.record("accepted \(options)")
            } catch {
                guard case .invalid = error else {
                    Issue.record("\(error)")
                    continue
                }
            }
        }
    }

    @Test func `all reasons are counted from zero`() throws {
        let instance = try KernelInstance("reasons")
        let counts = try #require(try instance.dataPlane?.reasonCounts())
        #expect(counts.count == Reason.all.count)
        #expect(counts.values.allSatisfy { $0 == 0 })
        #expect(Set(Reason.all.map(\.name)).count == Reason.all.count)
    }
}

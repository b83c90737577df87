import AnchorDataPlane
import ControlAPI
import Glibc
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDaemon

@Suite struct TableFullnessTests {
    private func model(_ name: String, _ entries: Int?, of capacity: Int) -> MapModel {
        MapModel(name: name, type: "array", keySize: 4, valueSize: 64, capacity: capacity, entries: entries)
    }

    @Test func `a table that fills up is named with the key that makes it larger`() {
        #expect(model("fa_flows", 52, of: 64).fullness == "fa_flows is nearly full (52 of 64); raise flow-capacity")
        #expect(model("fa_hosts", 8, of: 8).fullness == "fa_hosts is nearly full (8 of 8); raise host-capacity")
        #expect(model("fa_paths", 4000, of: 4096).fullness == "fa_paths is nearly full (4000 of 4096)")
    }

    @Test func `it is said once, and again when it was less full meanwhile`() {
        var watch = FullnessWatch()
        let flows = model("fa_flows", 60, of: 64)
        let hosts = model("fa_hosts", 60, of: 64)
        #expect(watch.news([flows]) == [flows])
        #expect(watch.news([flows, hosts]) == [hosts])
        #expect(watch.news([hosts]) == [])
        #expect(watch.news([flows, hosts]) == [flows])
    }

    @Test(.kernel) func `from 80 percent on a table is nearly full, and those that fill up have entries`() throws {
        let options = KernelDataPlane.Options(instance: "test-\(getpid())-fullness", hostCapacity: 64)
        let dataPlane = try KernelDataPlane(options)
        defer { _ = try? dataPlane.unload() }
        var number: UInt32 = 0
        while dataPlane.hostTable.entries < 51 {
            number += 1
            let attachment = HostAttachment(mac: .zero, port: 1)
            try dataPlane.setHost(
                HostEntry(key: HostKey(IPAddress(v4: 0x0a00_0000 + number)), node: 1, attachment: attachment))
        }
        #expect(MapModel.fullnessWarnings(dataPlane) == [])
        while try MapModel.nearlyFull(dataPlane).isEmpty {
            number += 1
            try #require(number < 1000)
            let attachment = HostAttachment(mac: .zero, port: 1)
            try dataPlane.setHost(
                HostEntry(key: HostKey(IPAddress(v4: 0x0a00_0000 + number)), node: 1, attachment: attachment))
        }
        let slots = dataPlane.hostTable.entries - dataPlane.hostTable.spilled
        #expect(slots == 52)
        #expect(
            MapModel.fullnessWarnings(dataPlane) == ["fa_hosts is nearly full (52 of 64); raise host-capacity"])
        let filled = Set(try MapModel.pinned(dataPlane).filter { $0.entries != nil }.map(\.name))
        let refusing = DataPlaneMap.allCases.filter { $0.refusesWhenFull && $0 != .flows }.map(\.rawValue)
        #expect(filled.isSuperset(of: refusing))
    }

    @Test(.kernel) func `an answer about a map says what was wrong with the question`() throws {
        let dataPlane = try KernelDataPlane(.init(instance: "test-\(getpid())-questions"))
        defer { _ = try? dataPlane.unload() }
        func kind(_ name: String, _ key: String?) -> ControlError.Kind? {
            do throws(ControlError) {
                _ = try MapEntryModel.entries(of: name, key: key, limit: 9, in: dataPlane)
                return nil
            } catch {
                return error.kind
            }
        }
        #expect(kind("fa_hosts", nil) == nil)
        #expect(kind("fa_hosts", "10.0.0.1") == .notFound)
        #expect(kind("fa_hosts", "here") == .invalid)
        #expect(kind("fa_nothing", nil) == .notFound)
        #expect(kind("fa_flows", nil) == .notFound)
    }
}

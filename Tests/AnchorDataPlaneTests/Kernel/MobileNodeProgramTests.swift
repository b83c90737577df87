import BPFObjects
import Glibc
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane
@testable import BPFKit

@Suite(.kernel, .serialized) struct MobileNodeProgramTests {
    private func port(_ pair: VirtualPair) -> Port {
        Port(role: .mobile, name: pair.first, interfaceIndex: pair.firstIndex, mac: MACAddress(bits: 2), mtu: 1500)
    }

    private func hooks(_ pair: VirtualPair) -> [TrafficControlHook] {
        TrafficControlHook.Direction.allCases.map { TrafficControlHook(interface: pair.firstIndex, direction: $0) }
    }

    @Test func `filters are attached in both directions, replaced in place, and leave nothing behind`() throws {
        let pair = try VirtualPair(prefix: "fame")
        let instance = try KernelInstance("mobile", program: .mobileNode)
        let dataPlane = try #require(instance.dataPlane)
        try dataPlane.setPort(1, port(pair))
        let attachment = try dataPlane.attach(1)
        #expect(attachment.mode == .tc)
        #expect(!attachment.hasReplaced)
        let before = hooks(pair).map { $0.programIdentifier() }
        #expect(before.allSatisfy { $0 != nil })
        let after = try instance.restart()
        #expect(hooks(pair).map { $0.programIdentifier() } == before)
        #expect(try after.attach(1).hasReplaced)
        #expect(hooks(pair).map { $0.programIdentifier() } != before)
        #expect(try after.unload().count { $0.hasPrefix("filter") } == 2)
        #expect(hooks(pair).allSatisfy { $0.programIdentifier() == nil })
        #expect(try TrafficControlHook.removeAll(from: pair.firstIndex) == false, "clsact is gone with the last filter")
        #expect(access(instance.options.folder, F_OK) != 0)
    }

    @Test func `segments of a sequenced tunnel meet a program of their own, which goes with the rest`() throws {
        let uplink = try VirtualPair(prefix: "fams")
        let cutter = try VirtualPair(prefix: "famc")
        let instance = try KernelInstance("segmenter", program: .mobileNode)
        let dataPlane = try #require(instance.dataPlane)
        try dataPlane.setSegmenter(entrance: cutter.firstIndex, exit: cutter.secondIndex)
        try dataPlane.setPort(1, port(uplink))
        _ = try dataPlane.attach(1)
        let exit = TrafficControlHook(interface: cutter.secondIndex, direction: .ingress)
        #expect(exit.programIdentifier() != nil)
        #expect(try dataPlane.unload().count { $0.hasPrefix("filter") } == 3)
        #expect(exit.programIdentifier() == nil)
    }

    @Test func `a filter of someone else stays where ours was`() throws {
        let pair = try VirtualPair(prefix: "famf")
        let instance = try KernelInstance("neighbour", program: .mobileNode)
        let dataPlane = try #require(instance.dataPlane)
        try dataPlane.setPort(1, port(pair))
        _ = try dataPlane.attach(1)
        let foreign = TrafficControlHook(interface: pair.firstIndex, direction: .ingress, priority: 7)
        try foreign.attach(BPFObject(path: BPFObjects.path(of: "bpfkit")).load().program("mark"))
        _ = try dataPlane.unload()
        #expect(hooks(pair).allSatisfy { $0.programIdentifier() == nil })
        #expect(foreign.programIdentifier() != nil)
    }

    @Test func `the table of flows is found again after a restart`() throws {
        let instance = try KernelInstance("flows", program: .mobileNode)
        #expect(try instance.dataPlane?.flowTable().statistics.entries == 0)
        #expect(try instance.restart().flowTable().statistics.capacity == instance.options.flowCapacity)
    }

    @Test func `a router's instance has no table of flows, and says so`() throws {
        let instance = try KernelInstance("noflows")
        do {
            _ = try instance.dataPlane?.flowTable()
            Issue.record("there is one")
        } catch {
            #expect(error.description.contains("not a mobile node's"))
        }
    }
}

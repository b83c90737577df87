import BPFKit
import BPFObjects
import Glibc
import KernelTestSupport
import NetworkTypes
import Testing

@testable import AnchorDataPlane

@Suite(.kernel, .serialized) struct ProgramTests {
    private func port(_ pair: VirtualPair, _ role: PortRole) -> Port {
        Port(role: role, name: pair.first, interfaceIndex: pair.firstIndex, mac: MACAddress(bits: 2), mtu: 1500)
    }

    @Test func `programs are attached, replaced under the same link, and leave nothing behind`() throws {
        let pair = try VirtualPair(prefix: "fadx")
        let instance = try KernelInstance("attach")
        let dataPlane = try #require(instance.dataPlane)
        try dataPlane.setPort(1, port(pair, .core))
        let first = try dataPlane.attach(1)
        #expect(first.programs == ["fa_core"])
        #expect(first.mode == .native)
        #expect(!first.hasReplaced)
        let before = XDPProgramInfo.on(pair.firstIndex)?.identifier
        let after = try instance.restart()
        #expect(XDPProgramInfo.on(pair.firstIndex)?.identifier == before)
        #expect(try after.attach(1).hasReplaced)
        #expect(XDPProgramInfo.on(pair.firstIndex)?.identifier != before)
        let removed = try after.unload()
        #expect(removed.contains("XDP program of \(pair.first)"))
        #expect(XDPProgramInfo.on(pair.firstIndex) == nil)
        #expect(access(instance.options.folder, F_OK) != 0)
    }

    @Test func `a foreign program is reported and stays`() throws {
        let pair = try VirtualPair(prefix: "fady")
        let foreign = try BPFObject(path: BPFObjects.path(of: "bpfkit")).load()
        let link = try XDPLink(attaching: foreign.program("count"), to: pair.firstIndex)
        let instance = try KernelInstance("foreign")
        let dataPlane = try #require(instance.dataPlane)
        try dataPlane.setPort(1, port(pair, .core))
        do {
            _ = try dataPlane.attach(1)
            Issue.record("replaced")
        } catch {
            #expect(error.description.contains("'count'"))
        }
        _ = try dataPlane.unload()
        #expect(XDPProgramInfo.on(pair.firstIndex)?.name == "count")
        #expect(link.isAlive() == true)
    }

    @Test func `an interface that vanished and returned is attached anew`() throws {
        let instance = try KernelInstance("return")
        let dataPlane = try #require(instance.dataPlane)
        for _ in 0..<2 {
            let pair = try VirtualPair(prefix: "fadz")
            try dataPlane.setPort(1, port(pair, .core))
            let attachment = try dataPlane.attach(1)
            #expect(!attachment.hasReplaced)
            #expect(XDPProgramInfo.on(pair.firstIndex)?.name == "fa_core")
            pair.remove()
        }
        try dataPlane.detach(1)
    }
}

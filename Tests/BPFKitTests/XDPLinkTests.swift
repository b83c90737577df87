import BPFObjects
import CBPF
import Glibc
import KernelTestSupport
import Testing

@testable import BPFKit

@Suite(.kernel, .serialized) struct XDPLinkTests {
    private func object(verdict: xdp_action) throws -> LoadedBPFObject {
        var object = try BPFObject(path: BPFObjects.path(of: "bpfkit"))
        try object.setConstant("verdict", to: verdict.rawValue)
        return try object.load()
    }

    @Test func `a program is attached in the driver, replaced in place and gone with its link`() throws {
        let pair = try VirtualPair(prefix: "fakx")
        let first = try object(verdict: XDP_PASS)
        let second = try object(verdict: XDP_DROP)
        do {
            let link = try XDPLink(attaching: first.program("count"), to: pair.firstIndex)
            #expect(link.mode == .native)
            #expect(link.fallback == nil)
            #expect(try link.programIdentifier() == first.program("count").identifier())
            try link.replace(with: second.program("count"))
            #expect(try link.programIdentifier() == second.program("count").identifier())
            #expect(XDPProgramInfo.on(pair.firstIndex)?.name == "count")
        }
        #expect(XDPProgramInfo.on(pair.firstIndex) == nil)
    }

    @Test func `a foreign program is named and stays`() throws {
        let pair = try VirtualPair(prefix: "fakf")
        let object = try object(verdict: XDP_PASS)
        let foreign = try XDPLink(attaching: object.program("redirect"), to: pair.firstIndex)
        do {
            _ = try XDPLink(attaching: object.program("count"), to: pair.firstIndex)
            Issue.record("replaced")
        } catch {
            #expect(error.description.contains("'redirect'"))
            #expect(error.description.contains("ip link set dev \(pair.first) xdp off"))
        }
        #expect(XDPProgramInfo.on(pair.firstIndex)?.name == "redirect")
        #expect(foreign.isAlive() == true)
    }

    @Test func `a pinned link keeps the program on the interface until it is detached`() throws {
        let pair = try VirtualPair(prefix: "fakp")
        let folder = BPFFileSystem.standardRoot + "/fa-bpfkit-\(getpid())-link"
        try BPFFileSystem.prepare(folder)
        do {
            let object = try object(verdict: XDP_PASS)
            try XDPLink(attaching: object.program("count"), to: pair.firstIndex, modes: [.generic])
                .pin(at: folder + "/link")
        }
        #expect(XDPProgramInfo.on(pair.firstIndex)?.mode == .generic)
        let link = try XDPLink.pinned(at: folder + "/link")
        if let link {
            #expect(link.interface == pair.firstIndex)
            #expect(link.mode == .generic)
            try link.detach()
        } else {
            Issue.record("no link is pinned")
        }
        #expect(XDPProgramInfo.on(pair.firstIndex) == nil)
        try BPFFileSystem.remove(folder)
    }

    @Test func `a link whose interface vanished is no longer alive`() throws {
        let pair = try VirtualPair(prefix: "fakv")
        let object = try object(verdict: XDP_PASS)
        let link = try XDPLink(attaching: object.program("count"), to: pair.firstIndex)
        #expect(link.isAlive() == true)
        pair.remove()
        #expect(link.isAlive() == false)
    }

    @Test func `live frames leave through the interface to which they are redirected`() throws {
        let pair = try VirtualPair(prefix: "fakl")
        let object = try object(verdict: XDP_PASS)
        let devices = try BPFDeviceMap(object.map("devices"))
        try devices.set(1, to: pair.firstIndex)
        #expect(try devices.interface(1) == pair.firstIndex)
        // Frames that leave through the first end of the pair come in at the second.
        let receiver = try XDPLink(attaching: object.program("count"), to: pair.secondIndex)
        let seen = try BPFArrayRegion<UInt64>(object.map("seen"))
        // The first byte of a frame grows each time that its page is used again; nothing else that a
        // fresh interface sends begins like this.
        func count() -> UInt64 { (0x40..<0xa0).reduce(0) { $0 + seen[$1] } }
        try object.program("redirect").sendLive([0x40] + [UInt8](repeating: 0, count: 63), interface: 1, count: 100)
        let deadline = ContinuousClock.now + .seconds(5)
        while count() < 100, ContinuousClock.now < deadline { sched_yield() }
        #expect(count() == 100)
        #expect(receiver.isAlive() == true)
    }

    @Test func `an interface whose driver knows no XDP gets the program in generic mode, with the reason`() throws {
        let pair = try VirtualPair(prefix: "fakg")
        let bridge = try pair.bridge()
        let object = try object(verdict: XDP_PASS)
        let link = try XDPLink(attaching: object.program("count"), to: bridge)
        #expect(link.mode == .generic)
        #expect(link.fallback?.description.contains("native") == true)
        #expect(XDPProgramInfo.on(bridge)?.mode == .generic)
    }

    @Test func `no packet is missed while programs replace each other`() throws {
        let pair = try VirtualPair(prefix: "fakr")
        let sender = try object(verdict: XDP_PASS)
        let devices = try BPFDeviceMap(sender.map("devices"))
        try devices.set(1, to: pair.firstIndex)
        let first = try object(verdict: XDP_DROP)
        var sharing = try BPFObject(path: BPFObjects.path(of: "bpfkit"))
        try sharing.setConstant("verdict", to: XDP_DROP.rawValue)
        let packets: BPFMap<UInt32, UInt64> = try first.map("seen")
        try sharing.reuse(packets, as: "seen")
        let second = try sharing.load()
        let seen = try BPFArrayRegion(packets)
        func count() -> UInt64 { (0x40..<0xf0).reduce(0) { $0 + seen[$1] } }
        let one = try first.program("count")
        let other = try second.program("count")
        let link = try XDPLink(attaching: one, to: pair.secondIndex)
        var sent: UInt64 = 0
        for round in 0..<200 {
            try sender.program("redirect").sendLive([0x40] + [UInt8](repeating: 0, count: 63), interface: 1, count: 32)
            // They are on their way while the program changes.
            if round.isMultiple(of: 2) { try link.replace(with: other) } else { try link.replace(with: one) }
            sent += 32
            let deadline = ContinuousClock.now + .seconds(5)
            while count() < sent, ContinuousClock.now < deadline { sched_yield() }
        }
        #expect(count() == sent)
    }

    @Test func `a tc program is attached beside others, replaced and removed`() throws {
        let pair = try VirtualPair(prefix: "fakt")
        let object = try object(verdict: XDP_PASS)
        for direction in TrafficControlHook.Direction.allCases {
            let hook = TrafficControlHook(interface: pair.firstIndex, direction: direction)
            #expect(hook.programIdentifier() == nil)
            try hook.attach(object.program("mark"))
            #expect(try hook.programIdentifier() == object.program("mark").identifier())
            try hook.attach(object.program("mark"))
            #expect(try TrafficControlHook.isUnused(on: pair.firstIndex) == false)
            try hook.detach()
            #expect(hook.programIdentifier() == nil)
            try hook.detach()
        }
        #expect(try TrafficControlHook.isUnused(on: pair.firstIndex) == true)
        #expect(try TrafficControlHook.removeAll(from: pair.firstIndex))
        #expect(try !TrafficControlHook.removeAll(from: pair.firstIndex))
    }
}

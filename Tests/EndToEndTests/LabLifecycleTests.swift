import Foundation
import NetworkLab
import Testing

let isRoot = getuid() == 0

/// The executables are built beside the tests.
let binaryFolder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().path

@Suite(.enabled(if: isRoot, "namespaces need root"), .serialized) struct LabLifecycleTests {
    func namespaces(_ identity: LabIdentity) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? [])
            .filter { $0.hasPrefix("fa-\(identity)-") }
    }

    func start(_ arguments: [String]) throws -> BackgroundProcess {
        try BackgroundProcess(
            Command(["\(binaryFolder)/anchorctl", "lab"] + arguments), name: "anchorctl",
            logPath: NSTemporaryDirectory() + "fa-anchorctl-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).log")
    }

    @Test func `labs run side by side, and each goes without touching the other`() throws {
        let plan = LabPlan(routers: 1, server: .none)
        let (first, second) = (try Lab(plan), try Lab(plan))
        let (a, b) = (first.identity, second.identity)
        #expect(namespaces(a).count == plan.machines.count)
        first.remove()
        #expect(namespaces(a).isEmpty)
        #expect(namespaces(b).count == plan.machines.count)
        second.remove()
        #expect(namespaces(b).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: b.folder))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `a run that is interrupted leaves nothing behind`(signal: Int32) throws {
        let before = Set(RunningLab.all().map(\.id))
        let process = try start(["run", "S1-control", "--family", "4"])
        defer { process.stop(SIGKILL) }
        var own: RunningLab?
        try process.waitUntil("its lab") {
            own = RunningLab.all().first { !before.contains($0.id) && !$0.machines.isEmpty }
            return own != nil
        }
        let identity = try #require(own).identity
        process.signal(signal)
        #expect(process.wait(timeout: .seconds(30)) == 128 + signal)
        #expect(namespaces(identity).isEmpty)
        #expect(!FileManager.default.fileExists(atPath: identity.folder))
    }

    @Test func `what a killed run leaves behind goes with the next, and a kept lab stays`() throws {
        let name = String(UInt16.random(in: 0x1000...0xffff), radix: 16)
        let up = try start(["up", "--bare", "--name", name, "--routers", "1", "--server", "none"])
        #expect(up.wait(timeout: .seconds(30)) == 0, "\(up.log)")
        let kept = try RunningLab.named(name)
        defer { kept.remove() }

        let before = Set(RunningLab.all().map(\.id))
        let killed = try start(["run", "S1-control", "--family", "4"])
        var own: RunningLab?
        try killed.waitUntil("its lab") {
            own = RunningLab.all().first { !before.contains($0.id) && $0.machines.contains("mn") }
            return own != nil
        }
        let identity = try #require(own).identity
        killed.stop(SIGKILL)
        LabRemoval.sweep()
        #expect(namespaces(identity).isEmpty)
        #expect(!namespaces(kept.identity).isEmpty)

        let shell = try start(["shell", "mn", "--lab", name, "--", "ip", "-o", "link", "show", "wlan0"])
        #expect(shell.wait(timeout: .seconds(10)) == 0)
        #expect(shell.log.contains("wlan0"))
        let down = try start(["down", name])
        #expect(down.wait(timeout: .seconds(30)) == 0)
        #expect(namespaces(kept.identity).isEmpty)
    }
}

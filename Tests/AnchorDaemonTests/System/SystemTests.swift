import ControlAPI
import Foundation
import Testing

@testable import AnchorDaemon

struct SystemTests {
    @Test func `a second daemon of an instance is refused, and the first one is named`() throws {
        let folder = try TemporaryFolder()
        let first = try InstanceGuard(folder.path + "/lock")
        let refusal = #expect(throws: DaemonError.self) { try InstanceGuard(folder.path + "/lock") }
        #expect(refusal?.description.contains("process \(getpid())") == true)
        #expect(refusal?.exitCode == 75)
        withExtendedLifetime(first) {}
    }

    @Test func `the lock goes with its owner`() throws {
        let folder = try TemporaryFolder()
        for _ in 0..<2 { _ = try InstanceGuard(folder.path + "/lock") }
    }

    @Test func `readiness, life and the end are told to systemd`() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/notify"
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0)
        func heard() -> String {
            var bytes = [UInt8](repeating: 0, count: 512)
            let count = recv(descriptor, &bytes, bytes.count, Int32(MSG_DONTWAIT))
            return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        }
        let manager = ServiceManager(environment: ["NOTIFY_SOCKET": path, "WATCHDOG_USEC": "2000000"])
        #expect(manager.watchdog == 2_000_000)
        manager.ready("access-router ar1")
        #expect(heard() == "READY=1\nSTATUS=access-router ar1")
        manager.alive()
        #expect(heard() == "WATCHDOG=1")
        manager.stopping()
        #expect(heard() == "STOPPING=1")
    }

    @Test func `without systemd nothing is told, and a watchdog of another process is none of ours`() {
        let manager = ServiceManager(environment: [:])
        manager.ready("x")
        #expect(manager.watchdog == nil)
        #expect(ServiceManager(environment: ["WATCHDOG_USEC": "1", "WATCHDOG_PID": "1"]).watchdog == nil)
    }

    @Test func `all who watch hear what happens, until it ends`() async {
        let hub = EventHub()
        let (first, second) = (hub.watch(), hub.watch())
        #expect(hub.isWatched)
        hub.tell("moved", "text", ["address": "10.1.0.1"])
        hub.finish()
        for stream in [first, second] {
            var heard: [EventModel] = []
            for await event in stream { heard.append(event) }
            #expect(heard.map(\.kind) == ["moved"])
            #expect(heard.first?.fields == ["address": "10.1.0.1"])
        }
        #expect(!hub.isWatched)
    }
}

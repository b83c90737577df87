import Foundation

/// Takes labs away by name alone: it needs nothing from the process that made them, so it also
/// serves for what a crashed run has left behind.
public enum LabRemoval {
    static let namespaceFolder = "/run/netns"
    static let pinFolder = "/sys/fs/bpf/flowanchor"

    /// Ends the lab's processes, removes its namespaces with all that is in them, its pinned BPF
    /// objects and its files. Nothing of any other lab is touched.
    public static func remove(_ identity: LabIdentity) {
        let namespaces = namespaces(of: identity)
        endProcesses(in: namespaces)
        for name in namespaces { _ = try? Command(["ip", "netns", "delete", name]).run() }
        let files = FileManager.default
        for pin in (try? files.contentsOfDirectory(atPath: pinFolder)) ?? [] where pin.hasPrefix(identity.prefix) {
            removeTree("\(pinFolder)/\(pin)")
        }
        try? files.removeItem(atPath: identity.folder)
    }

    /// Removes the labs whose owner is gone.
    public static func sweep() {
        for identity in known() where owner(of: identity)?.isGone ?? true {
            // A lab that is just being made has its folder first and its owner a moment later.
            let named = pollUntil(timeout: .milliseconds(200)) { owner(of: identity) != nil }
            if !named || owner(of: identity)?.isGone == true { remove(identity) }
        }
    }

    /// All labs that have files on this machine.
    static func known() -> [LabIdentity] {
        ((try? FileManager.default.contentsOfDirectory(atPath: LabIdentity.root)) ?? []).sorted()
            .compactMap { LabIdentity($0) }
    }

    static func owner(of identity: LabIdentity) -> LabOwner? {
        guard let data = FileManager.default.contents(atPath: "\(identity.folder)/owner.json") else { return nil }
        return try? JSONDecoder().decode(LabOwner.self, from: data)
    }

    static func namespaces(of identity: LabIdentity) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: namespaceFolder)) ?? [])
            .filter { $0.hasPrefix(identity.prefix) }.sorted()
    }

    /// Processes whose network namespace is one of these.
    static func processes(in namespaces: [String]) -> [pid_t] {
        let inodes = Set(namespaces.compactMap { inode("\(namespaceFolder)/\($0)") })
        return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [])
            .compactMap { pid_t($0) }
            .filter { pid in inode("/proc/\(pid)/ns/net").map(inodes.contains) ?? false }
    }

    private static func endProcesses(in namespaces: [String]) {
        for signal in [SIGTERM, SIGKILL] {
            let remaining = processes(in: namespaces).filter { $0 != getpid() }
            if remaining.isEmpty { return }
            remaining.forEach { kill($0, signal) }
            _ = pollUntil(timeout: .seconds(2), every: 10) {
                remaining.allSatisfy { pid in
                    _ = reap(pid)
                    return processStartTime(pid) == nil
                }
            }
        }
    }

    private static func inode(_ path: String) -> UInt64? {
        var status = stat()
        return stat(path, &status) == 0 ? UInt64(status.st_ino) : nil
    }

    /// The BPF file system knows no recursive removal, and FileManager gives up at its first surprise.
    private static func removeTree(_ path: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? [] {
            if unlink("\(path)/\(name)") != 0 { removeTree("\(path)/\(name)") }
        }
        rmdir(path)
    }
}

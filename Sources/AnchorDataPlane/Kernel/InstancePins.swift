import BPFKit
import CBPF
import Glibc

/// Pins of the programs of an instance, one or two for each interface.
///
/// XDP links are pinned under the interface's name. Filters of traffic control stay by themselves; for
/// them their program is pinned, so that whoever unloads knows where they are.
struct InstancePins {
    let folder: String

    /// Names on a bpf file system have no dots, names of interfaces may.
    func link(_ interface: String) -> String {
        folder + "/" + interface.replacing("%", with: "%25").replacing(".", with: "%2e")
    }

    func filter(_ interface: Int32, _ direction: TrafficControlHook.Direction) -> String {
        folder + "/" + Self.filterPrefix + "\(interface):" + direction.rawValue
    }

    /// No interface has a name with a colon that isn't an alias.
    private static let filterPrefix = "tc:"

    /// Takes all programs off their interfaces.
    /// - Returns: what was removed, for the log.
    func removeAll() throws(BPFError) -> [String] {
        var removed: [String] = []
        for name in BPFFileSystem.contents(of: folder) {
            let path = folder + "/" + name
            if name.hasPrefix(Self.filterPrefix) {
                removed += try removeFilter(name, path)
            } else if let link = try XDPLink.pinned(at: path) {
                if link.isAlive() { try link.detach() }
                try BPFFileSystem.unpin(path)
                removed.append("XDP program of " + name.replacing("%2e", with: ".").replacing("%25", with: "%"))
            }
        }
        return removed
    }

    private func removeFilter(_ name: String, _ path: String) throws(BPFError) -> [String] {
        let parts = name.split(separator: ":")
        guard parts.count == 3, let interface = Int32(parts[1]),
            let direction = TrafficControlHook.Direction(rawValue: String(parts[2]))
        else { return [] }
        let removed = try removeFilter(interface, direction)
        try BPFFileSystem.unpin(path)
        return removed ? ["filter of interface \(interface), \(direction.rawValue)"] : []
    }

    /// Takes our filter off the interface, and the queueing discipline if it serves nobody else.
    func removeFilter(_ interface: Int32, _ direction: TrafficControlHook.Direction) throws(BPFError) -> Bool {
        let hook = TrafficControlHook(interface: interface, direction: direction)
        let pinned = try BPFProgram.pinned(at: filter(interface, direction))
        var ours: UInt32?
        if let pinned { ours = try pinned.identifier() }
        // The number may be another interface's by now; its programs are not ours to remove.
        guard let ours, hook.programIdentifier() == ours else { return false }
        try hook.detach()
        if try TrafficControlHook.isUnused(on: interface) { try TrafficControlHook.removeAll(from: interface) }
        return true
    }
}

import Foundation

/// Who a lab belongs to: a process, or nobody for one that `lab up` left running.
struct LabOwner: Codable, Equatable {
    var pid: Int32
    /// In clock ticks since boot, so that a reused process number is not taken for the owner.
    var startTime: UInt64
    /// It stays when its owner ends, until `lab down`.
    var kept: Bool

    static func current(kept: Bool) -> LabOwner {
        let pid = getpid()
        return LabOwner(pid: pid, startTime: processStartTime(pid) ?? 0, kept: kept)
    }

    /// Whether nobody will remove the lab any more.
    var isGone: Bool { !kept && processStartTime(pid) != startTime }
}

/// Start of a process in clock ticks since boot; `nil` if there is no such process or it is a zombie.
func processStartTime(_ pid: pid_t) -> UInt64? {
    guard let line = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let end = line.lastIndex(of: ")")
    else { return nil }
    // Fields after the name: the state is the third of all, the start time the twenty-second.
    let fields = line[line.index(after: end)...].split(separator: " ")
    guard fields.count > 19, fields[0] != "Z" else { return nil }
    return UInt64(fields[19])
}

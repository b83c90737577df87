import Foundation

/// The open descriptors of this process.
enum Descriptors {
    /// Those that there are now.
    static func open() -> Set<Int32> {
        Set(((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).compactMap { Int32($0) })
    }

    /// Has descriptors closed when another program takes the process over: libraries have some of which nobody would
    /// know there.
    /// - Parameter inherited: those that this process was started with. They are somebody else's, who may tell by them
    ///   that it lives.
    static func closeAtExec(except inherited: Set<Int32>) {
        for descriptor in open().subtracting(inherited) { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
    }
}

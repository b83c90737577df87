import Glibc

/// Keeps a second daemon away from the same state and control socket, until this one ends however it does (T22).
/// The owner's process number stands in the file, so that a refusal can name it.
final class InstanceGuard: Sendable {
    private let descriptor: Int32

    /// - Parameter path: of the lock file; its folder has to exist.
    /// - Throws: who has it.
    init(_ path: String) throws(DaemonError) {
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard opened >= 0 else {
            throw .storage("can't open \(path): \(String(cString: strerror(errno)))")
        }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            var bytes = [UInt8](repeating: 0, count: 64)
            let count = pread(opened, &bytes, bytes.count, 0)
            close(opened)
            let owner = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).filter(\.isNumber)
            throw .inUse(
                "\(path) is held by another anchord" + (owner.isEmpty ? "" : " (process \(owner))")
                    + "; stop that one, or give this instance another name and state-directory")
        }
        let text = Array("\(getpid())\n".utf8)
        guard ftruncate(opened, 0) == 0, pwrite(opened, text, text.count, 0) == text.count else {
            let code = errno
            close(opened)
            throw .storage("can't write \(path): \(String(cString: strerror(code)))")
        }
        descriptor = opened
    }

    deinit { close(descriptor) }
}

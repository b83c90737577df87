import Glibc

/// Keeps a second daemon away from the same tables, until this one ends however it does. It is a lock on
/// the instance's folder of pins itself, so nothing is left of it.
struct InstanceLock: ~Copyable, Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// - Throws: ``DataPlaneError/inUse(path:)`` if another process has it.
    static func take(_ folder: String) throws(DataPlaneError) -> InstanceLock {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .invalid("can't open \(folder): \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .inUse(path: folder)
        }
        return InstanceLock(descriptor)
    }

    /// Lets others have it from now on.
    borrowing func release() { flock(descriptor, LOCK_UN) }

    /// A child that was forked a moment ago has the descriptor, too, until it executes its program.
    deinit {
        release()
        close(descriptor)
    }
}

import Glibc

/// Keeps a second daemon away from the same tables, until this one ends however it does.
struct InstanceLock: ~Copyable, Sendable {
    private let descriptor: Int32

    private init(_ descriptor: Int32) { self.descriptor = descriptor }

    /// - Throws: ``DataPlaneError/inUse(path:)`` if another process has it.
    static func take(_ path: String) throws(DataPlaneError) -> InstanceLock {
        let folder = path.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
        guard mkdir(folder, 0o755) == 0 || errno == EEXIST else {
            throw .invalid("can't make \(folder): \(String(cString: strerror(errno)))")
        }
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .invalid("can't open \(path): \(String(cString: strerror(errno)))") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw .inUse(path: path)
        }
        return InstanceLock(descriptor)
    }

    /// Removes the file, while nobody else can have it.
    borrowing func remove(_ path: String) { unlink(path) }

    /// Lets others have it from now on.
    borrowing func release() { flock(descriptor, LOCK_UN) }

    deinit { close(descriptor) }
}

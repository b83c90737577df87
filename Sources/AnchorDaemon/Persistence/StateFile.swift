import Glibc

/// Small files that are replaced as a whole: whoever reads one finds the old or the new content, also after a power
/// cut (T16).
enum StateFile {
    /// - Returns: `nil` if there is no such file.
    static func read(_ path: String) throws(DaemonError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("open", path)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw failure("read", path) }
            if count == 0 { return bytes }
            bytes += piece[..<count]
        }
    }

    /// Temporary file, fsync, rename, fsync of the folder.
    static func write(_ bytes: [UInt8], to path: String) throws(DaemonError) {
        let temporary = path + ".new"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("open", temporary) }
        do throws(DaemonError) {
            defer { close(descriptor) }
            try writeAll(bytes, to: descriptor, path: temporary)
            guard fsync(descriptor) == 0 else { throw failure("flush", temporary) }
        } catch {
            unlink(temporary)
            throw error
        }
        guard rename(temporary, path) == 0 else { throw failure("replace", path) }
        try flushFolder(of: path)
    }

    static func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(DaemonError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.write(descriptor, $0.baseAddress! + done, bytes.count - done)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw failure("write", path) }
            done += count
        }
    }

    static func flushFolder(of path: String) throws(DaemonError) {
        let folder = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw failure("flush", folder) }
    }

    /// Makes a folder and those above it.
    static func makeFolder(_ path: String, mode: mode_t = 0o700) throws(DaemonError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, mode) == 0 || errno == EEXIST else { throw failure("make", made) }
        }
    }

    static func failure(_ operation: String, _ path: String) -> DaemonError {
        .storage("can't \(operation) \(path): \(String(cString: strerror(errno)))")
    }
}

/// A number that grows at each start, stored before anybody hears of it.
struct EpochFile {
    let path: String

    /// The epoch of this start.
    func next() throws(DaemonError) -> UInt32 {
        let former = try StateFile.read(path).map { String(decoding: $0, as: UTF8.self).filter(\.isNumber) }
        guard let text = former else {
            try store(1)
            return 1
        }
        guard let number = UInt32(text), number < .max else {
            throw .storage("\(path) holds no epoch; put a number above every one used before into it")
        }
        try store(number + 1)
        return number + 1
    }

    func store(_ epoch: UInt32) throws(DaemonError) { try StateFile.write(Array("\(epoch)\n".utf8), to: path) }
}

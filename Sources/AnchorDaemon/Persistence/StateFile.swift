import Glibc

/// Small files of the state directory that are replaced as a whole (T16).
enum StateFile {
    /// - Returns: `nil` if there is no such file.
    static func read(_ path: String) throws(DaemonError) -> [UInt8]? {
        guard access(path, F_OK) == 0 else {
            if errno == ENOENT { return nil }
            throw .storage("can't open \(path): \(String(cString: strerror(errno)))")
        }
        do throws(JournalError) {
            return try StableFile(path: path, flags: O_RDONLY).readAll()
        } catch {
            throw .storage("can't \(error)")
        }
    }

    /// Bytes in the file; 0 if there is no such file.
    static func length(_ path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    static func write(_ bytes: [UInt8], to path: String) throws(DaemonError) {
        do throws(JournalError) { try StableFile.replace(path, with: bytes) } catch { throw .storage("can't \(error)") }
    }

    /// Makes a folder and those above it.
    static func makeFolder(_ path: String, mode: mode_t = 0o700) throws(DaemonError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/" + part
            guard mkdir(made, mode) == 0 || errno == EEXIST else {
                throw .storage("can't make \(made): \(String(cString: strerror(errno)))")
            }
        }
    }
}

import Glibc

/// Files of keys and certificates: after a power cut there is the old one or the new one, never a part (T16).
enum CredentialFile {
    /// Who may read it.
    enum Secrecy: mode_t {
        /// A key: its owner alone.
        case secret = 0o600
        /// A certificate: everybody.
        case open = 0o644
    }

    /// - Parameter replacing: false to leave one that is there as it is.
    /// - Throws: ``PKIError/Kind/exists`` then.
    static func write(_ text: String, to path: String, _ secrecy: Secrecy, replacing: Bool) throws(PKIError) {
        let temporary = path + ".new"
        // Of a run that was cut off.
        unlink(temporary)
        defer { unlink(temporary) }
        try fill(temporary, with: text, secrecy)
        // A second name is refused where there is one already, which a new name in its place is not.
        let status = replacing ? rename(temporary, path) : link(temporary, path)
        guard status == 0 else {
            if errno == EEXIST {
                throw PKIError(
                    .exists, "\(path) is there already", nextStep: "'--force' replaces it; what it holds is lost then")
            }
            throw PKIError(errno: errno, "put in place", path)
        }
        try flushFolder(of: path)
    }

    /// Makes a file whose contents are on the disk when this returns.
    private static func fill(_ path: String, with text: String, _ secrecy: Secrecy) throws(PKIError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secrecy.rawValue)
        guard descriptor >= 0 else { throw PKIError(errno: errno, "make", path) }
        defer { close(descriptor) }
        // Whatever the mask of this process is.
        guard fchmod(descriptor, secrecy.rawValue) == 0 else { throw PKIError(errno: errno, "protect", path) }
        try write(Array(text.utf8), to: descriptor, path)
        guard fsync(descriptor) == 0 else { throw PKIError(errno: errno, "flush", path) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws(PKIError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw PKIError(errno: errno, "write", path) }
            written += count
        }
    }

    private static func flushFolder(of path: String) throws(PKIError) {
        let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? "."
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PKIError(errno: errno, "open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw PKIError(errno: errno, "flush", folder) }
    }

    static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    static func read(_ path: String) throws(PKIError) -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PKIError(errno: errno, "open", path) }
        defer { close(descriptor) }
        // No certificate or key is as large; a device or a wrong file may be.
        var bytes = [UInt8](repeating: 0, count: largest + 1)
        var length = 0
        while length < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor, $0.baseAddress! + length, $0.count - length)
            }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw PKIError(errno: errno, "read", path) }
            if count == 0 { break }
            length += count
        }
        guard length <= largest else { throw PKIError(.invalid, "\(path) is too large to be a certificate or a key") }
        return String(decoding: bytes[..<length], as: UTF8.self)
    }

    private static let largest = 65536
}

extension PKIError {
    /// What the file system refused.
    init(errno code: Int32, _ operation: String, _ path: String) {
        let kind: Kind =
            switch code {
            case ENOENT, ENOTDIR: .notFound
            case EACCES, EPERM, EROFS: .notPermitted
            default: .failed
            }
        self.init(kind, "can't \(operation) \(path): \(String(cString: strerror(code)))")
    }
}

import CBPF
import Glibc

/// A file descriptor that is closed with its owner.
struct Descriptor: ~Copyable, Sendable {
    let raw: Int32

    init(_ raw: Int32) { self.raw = raw }

    deinit { close(raw) }

    /// Another descriptor of the same kernel object.
    borrowing func duplicate(of object: String) throws(BPFError) -> Descriptor {
        let copy = fcntl(raw, F_DUPFD_CLOEXEC, 3)
        guard copy >= 0 else { throw BPFError("duplicate the descriptor of", object, code: errno) }
        return Descriptor(copy)
    }

    /// Opens what is pinned at `path`; `nil` if nothing is.
    static func pinned(at path: String) throws(BPFError) -> Descriptor? {
        let found = bpf_obj_get(path)
        if found >= 0 { return Descriptor(found) }
        guard errno == ENOENT else { throw BPFError("open the pinned", path, code: errno) }
        return nil
    }

    /// Keeps the kernel object alive under `path` after this process ends.
    borrowing func pin(at path: String) throws(BPFError) {
        guard bpf_obj_pin(raw, path) < 0 else { return }
        let code = errno
        let step: String? =
            switch code {
            case EEXIST: "something is pinned there already; 'anchorctl unload' removes it"
            case ENOENT, EINVAL: "the folder must be on a bpf file system: mount -t bpf bpf /sys/fs/bpf"
            default: nil
            }
        throw BPFError("pin", path, code: code, nextStep: step)
    }

    /// The kernel's description of the object.
    borrowing func information<T>(_ blank: T, of object: String) throws(BPFError) -> T {
        var information = blank
        var size = UInt32(MemoryLayout<T>.size)
        guard withUnsafeMutablePointer(to: &information, { bpf_obj_get_info_by_fd(raw, $0, &size) }) == 0 else {
            throw BPFError("describe", object, code: errno)
        }
        return information
    }
}

/// A string in a fixed array of C characters.
func string<T>(fromFixed characters: T) -> String {
    withUnsafeBytes(of: characters) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
}

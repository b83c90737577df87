import CBPF
import Glibc

/// The file system in which maps and links outlive their process.
public enum BPFFileSystem {
    public static let standardRoot = "/sys/fs/bpf"
    private static let magic = 0xcafe_4a11

    /// Whether `path` is on a bpf file system.
    public static func isMounted(at path: String) -> Bool {
        // By its type, since the function and the struct that it fills have one name.
        let ask: (UnsafePointer<CChar>, UnsafeMutablePointer<statfs>) -> Int32 = statfs
        var information = statfs()
        return ask(path, &information) == 0 && Int(information.f_type) == magic
    }

    /// Mounts a bpf file system at `root` unless one is there, and makes `folder` under it.
    /// - Parameter folder: absolute, below `root`.
    public static func prepare(_ folder: String, root: String = standardRoot) throws(BPFError) {
        if !isMounted(at: root) {
            guard mount("bpf", root, "bpf", 0, "mode=0700") == 0 else {
                throw BPFError("mount", root, code: errno, nextStep: "mount it: mount -t bpf bpf \(root)")
            }
        }
        var path = root
        for part in folder.dropFirst(root.count).split(separator: "/") {
            path += "/" + part
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw BPFError("make", path, code: errno) }
        }
    }

    /// Removes `folder` and all that is pinned in it; nothing happens if it doesn't exist.
    public static func remove(_ folder: String) throws(BPFError) {
        for name in contents(of: folder) {
            let path = folder + "/" + name
            if unlink(path) == 0 || errno == ENOENT { continue }
            guard errno == EISDIR || errno == EPERM else { throw BPFError("remove", path, code: errno) }
            try remove(path)
        }
        guard rmdir(folder) == 0 || errno == ENOENT else { throw BPFError("remove", folder, code: errno) }
    }

    /// Gives each of two folders the other's name, at once.
    public static func exchange(_ first: String, _ second: String) throws(BPFError) {
        guard renameat2(AT_FDCWD, first, AT_FDCWD, second, 2 /* RENAME_EXCHANGE */) == 0 else {
            throw BPFError("exchange", "\(first) and \(second)", code: errno)
        }
    }

    /// Removes one pin; nothing happens if it doesn't exist.
    public static func unpin(_ path: String) throws(BPFError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw BPFError("unpin", path, code: errno) }
    }

    /// Names in `folder`, in order; none if it doesn't exist.
    public static func contents(of folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = string(fromFixed: entry.pointee.d_name)
            if name != "." && name != ".." { names.append(name) }
        }
        return names.sorted()
    }
}

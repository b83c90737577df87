import CBPF
import Glibc

/// A program in the kernel.
public struct BPFProgram: ~Copyable, Sendable {
    public let name: String
    let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor, name: String) {
        self.descriptor = descriptor
        self.name = name
    }

    /// The kernel's number of this program, as `bpftool prog` shows it.
    public borrowing func identifier() throws(BPFError) -> UInt32 {
        try descriptor.information(bpf_prog_info(), of: "program \(name)").id
    }

    /// Keeps the program in the kernel under `path` after this process ends.
    public borrowing func pin(at path: String) throws(BPFError) { try descriptor.pin(at: path) }

    /// Opens what is pinned at `path`; `nil` if nothing is.
    public static func pinned(at path: String) throws(BPFError) -> BPFProgram? {
        guard let descriptor = try Descriptor.pinned(at: path) else { return nil }
        return BPFProgram(descriptor, name: String(path.split(separator: "/").last ?? ""))
    }

    /// Name and tag of a program by its number; `nil` if it has gone.
    static func describe(_ identifier: UInt32) -> String? {
        let opened = bpf_prog_get_fd_by_id(identifier)
        guard opened >= 0 else { return nil }
        let descriptor = Descriptor(opened)
        guard let information = try? descriptor.information(bpf_prog_info(), of: "program") else { return nil }
        return string(fromFixed: information.name)
    }
}

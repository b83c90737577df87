import Glibc

/// A descriptor of a file whose contents must survive a power cut.
struct StableFile: ~Copyable {
    let path: String
    private let descriptor: Int32

    init(path: String, flags: Int32) throws(JournalError) {
        let opened = open(path, flags | O_CLOEXEC, 0o600)
        guard opened >= 0 else { throw JournalError("open", path) }
        self.path = path
        descriptor = opened
    }

    deinit { close(descriptor) }

    /// Writes all of it, and returns when it is on the disk.
    func append(_ bytes: [UInt8]) throws(JournalError) {
        try write(bytes)
        try flush()
    }

    func write(_ bytes: [UInt8]) throws(JournalError) {
        var written = 0
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw JournalError("write", path) }
            written += count
        }
    }

    /// Returns when all that was written is on the disk.
    func flush() throws(JournalError) {
        guard fdatasync(descriptor) == 0 else { throw JournalError("flush", path) }
    }

    func readAll() throws(JournalError) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw JournalError("read", path) }
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }

    /// Part of the file.
    func read(_ range: Range<Int>) throws(JournalError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: range.count)
        var failure: JournalError?
        bytes.withUnsafeMutableBytes { buffer in
            do throws(JournalError) { try read(into: buffer, from: range.lowerBound) } catch { failure = error }
        }
        if let failure { throw failure }
        return bytes
    }

    private func read(into buffer: UnsafeMutableRawBufferPointer, from start: Int) throws(JournalError) {
        var done = 0
        while done < buffer.count {
            let count = pread(descriptor, buffer.baseAddress! + done, buffer.count - done, off_t(start + done))
            if count < 0 && errno == EINTR { continue }
            // Shorter than it was: somebody else's doing.
            guard count > 0 else { throw JournalError("read", path, code: count == 0 ? EIO : errno) }
            done += count
        }
    }

    /// Hands all of it over as memory. Read rather than mapped: a disk that fails is an error then, not a signal.
    func withContents<Value>(
        _ body: (UnsafeRawBufferPointer) throws(JournalError) -> Value
    ) throws(JournalError) -> Value {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw JournalError("examine", path) }
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: Int(status.st_size), alignment: 2 << 20)
        defer { memory.deallocate() }
        // Of a long file most of the time would go to faults of small pages. Only advice: it may be refused.
        if memory.count > 2 << 20 { madvise(memory.baseAddress!, memory.count, MADV_HUGEPAGE) }
        try read(into: memory, from: 0)
        return try body(UnsafeRawBufferPointer(memory))
    }

    func truncate(to length: Int) throws(JournalError) {
        guard ftruncate(descriptor, off_t(length)) == 0, fdatasync(descriptor) == 0 else {
            throw JournalError("shorten", path)
        }
    }

    /// Replaces a file by one with these contents: after a power cut there is the one or the other (T16).
    static func replace(_ path: String, with bytes: [UInt8]) throws(JournalError) {
        let temporary = path + ".new"
        unlink(temporary)
        do throws(JournalError) {
            let file = try StableFile(path: temporary, flags: O_WRONLY | O_CREAT | O_EXCL)
            try file.append(bytes)
            guard rename(temporary, path) == 0 else { throw JournalError("rename to", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        try flushFolder(of: path)
    }

    /// Makes a new name in a folder last.
    static func flushFolder(of path: String) throws(JournalError) {
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        let descriptor = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw JournalError("open", folder) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw JournalError("flush", folder) }
    }
}

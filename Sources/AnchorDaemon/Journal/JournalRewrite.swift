import Glibc

/// A journal that is written anew beside the one in force, a part at a time while that one goes on. Then it takes the
/// place of everything up to where it began; what was stored since is taken over behind it (T16).
///
/// Handed from queue to queue, the next one's work beginning when the one before has ended: never in two at once.
final class JournalRewrite: @unchecked Sendable {
    private let temporary: String
    private let file: StableFile
    /// Bytes of the journal in force that this one stands for.
    private let start: Int
    private var length = 0
    private var isInPlace = false

    init(of path: String, from start: Int) throws(JournalError) {
        temporary = path + ".new"
        self.start = start
        unlink(temporary)
        file = try StableFile(path: temporary, flags: O_WRONLY | O_CREAT | O_EXCL)
    }

    deinit {
        if !isInPlace { unlink(temporary) }
    }

    /// Writes records, which need not be on the disk when this returns.
    func append(_ records: JournalFrame.Writer) throws(JournalError) {
        guard !records.isEmpty else { return }
        let frame = records.frame()
        try file.write(frame)
        length += frame.count
    }

    /// Returns when all of it is on the disk, so that taking the place is a matter of what came meanwhile.
    func flush() throws(JournalError) { try file.flush() }

    /// After this the folder is to be flushed.
    /// - Parameter end: length of the journal in force, to which nothing is written meanwhile.
    /// - Returns: the length of what is in its place.
    func takePlace(of path: String, upTo end: Int) throws(JournalError) -> Int {
        if end > start {
            let tail = try StableFile(path: path, flags: O_RDONLY).read(start..<end)
            try file.append(tail)
            length += tail.count
        }
        guard rename(temporary, path) == 0 else { throw JournalError("rename to", path) }
        isInPlace = true
        return length
    }
}

import AnchorCore
import Dispatch
import Glibc

/// An access router's records on stable storage (T4, T15, T16).
///
/// Records are appended and flushed in groups: while one group is flushed the next gathers, so that a slow disk costs
/// time to answer and no throughput. A group that can't be stored is taken out of the file again and reported, and
/// nothing of it counts.
final class Journal: @unchecked Sendable {
    /// What became of records.
    enum Outcome: Equatable, Sendable {
        case stored(through: RecordNumber)
        case failed(ClosedRange<RecordNumber>, String)
    }

    private let path: String
    /// Where the owner lives and is told.
    private let queue: DispatchQueue
    private let writer = DispatchQueue(label: "flowanchor.journal", qos: .userInitiated)
    private let tell: @Sendable (Outcome) -> Void

    // On the owner's queue.
    private var gathered: [UInt8] = []
    private var numbers: ClosedRange<RecordNumber>?
    private var isWriting = false
    private var size: Int
    private var compactedSize: Int

    // On the writer's queue.
    private var descriptor: Int32
    private var goodLength: Int

    /// Below this size a journal is left as it is.
    private static let smallest = 4 << 20

    /// Opens the journal, made if it doesn't exist, and hands over what it holds. An incomplete end is cut off.
    /// - Parameter damaged: told where a damaged journal was put aside and what could be read of it is used.
    static func open(
        _ path: String, queue: DispatchQueue, damaged: (String) -> Void, tell: @escaping @Sendable (Outcome) -> Void
    ) throws(DaemonError) -> (Journal, [AccessRouterRecord]) {
        let bytes = try StateFile.read(path) ?? []
        guard let contents = JournalFormat.read(bytes) else {
            throw .storage("\(path) is no journal of this program; move it away to start without leases")
        }
        if contents.isDamaged {
            try StateFile.write(bytes, to: path + ".damaged")
            damaged(path + ".damaged")
        }
        if contents.validLength == 0 { try StateFile.write(JournalFormat.magic, to: path) }
        let length = max(contents.validLength, JournalFormat.magic.count)
        let descriptor = Glibc.open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0, ftruncate(descriptor, off_t(length)) == 0, fsync(descriptor) == 0 else {
            throw StateFile.failure("open", path)
        }
        return (Journal(path, descriptor, length: length, queue: queue, tell: tell), contents.records)
    }

    private init(
        _ path: String, _ descriptor: Int32, length: Int, queue: DispatchQueue,
        tell: @escaping @Sendable (Outcome) -> Void
    ) {
        self.path = path
        self.descriptor = descriptor
        self.queue = queue
        self.tell = tell
        goodLength = length
        size = length
        compactedSize = length
    }

    deinit { close(descriptor) }

    /// Gathers records; ``commit()`` stores them.
    func append(_ record: AccessRouterRecord, _ number: RecordNumber) {
        JournalFormat.append(record, to: &gathered)
        numbers = (numbers?.lowerBound ?? number)...number
    }

    /// Stores what is gathered, now or as soon as the group before is stored.
    func commit() {
        guard !isWriting, let numbers else { return }
        isWriting = true
        self.numbers = nil
        var group: [UInt8] = []
        swap(&group, &gathered)
        size += group.count
        writer.async { [group] in
            let failure = self.write(group)
            self.queue.async {
                self.isWriting = false
                if let failure {
                    self.size -= group.count
                    self.tell(.failed(numbers, failure))
                } else {
                    self.tell(.stored(through: numbers.upperBound))
                }
                self.commit()
            }
        }
    }

    /// It has grown to several times what it would be if written anew.
    var wantsCompaction: Bool { size > Self.smallest && size > 4 * compactedSize }

    /// Writes the journal anew. What is appended before this call is among the records or follows them.
    func compact(_ records: [AccessRouterRecord], failed: @escaping @Sendable (String) -> Void) {
        var bytes = JournalFormat.magic
        bytes.reserveCapacity(bytes.count + records.count * (AccessRouterRecord.longestEncoding + 6))
        for record in records { JournalFormat.append(record, to: &bytes) }
        size = bytes.count
        compactedSize = bytes.count
        writer.async { [bytes] in
            do throws(DaemonError) {
                try StateFile.write(bytes, to: self.path)
                let opened = Glibc.open(self.path, O_WRONLY | O_CLOEXEC)
                guard opened >= 0 else { throw StateFile.failure("open", self.path) }
                close(self.descriptor)
                self.descriptor = opened
                self.goodLength = bytes.count
            } catch {
                self.queue.async { failed(error.description) }
            }
        }
    }

    /// Waits until all that was committed is stored or has failed.
    func drain() { writer.sync {} }

    /// - Returns: what went wrong; the file is then as it was before.
    private func write(_ group: [UInt8]) -> String? {
        var done = 0
        while done < group.count {
            let count = group.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress! + done, group.count - done, off_t(goodLength + done))
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { return undo("write", errno) }
            done += count
        }
        guard fdatasync(descriptor) == 0 else { return undo("flush", errno) }
        goodLength += group.count
        return nil
    }

    private func undo(_ operation: String, _ code: Int32) -> String {
        // Should this fail too, the next group is written over what is left, and the checksums tell them apart.
        _ = ftruncate(descriptor, off_t(goodLength))
        return "can't \(operation) \(path): \(String(cString: strerror(code)))"
    }
}

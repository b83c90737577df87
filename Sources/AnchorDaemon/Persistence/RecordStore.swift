import AnchorCore
import Dispatch

/// An access router's records in a journal. What gathers between two commits is stored together. For one serial queue.
final class RecordStore: @unchecked Sendable {
    /// What became of records.
    enum Outcome: Sendable {
        case stored(through: RecordNumber)
        case failed(ClosedRange<RecordNumber>, JournalError)
    }

    private let journal: Journal
    private let queue: DispatchQueue
    private let tell: @Sendable (Outcome) -> Void
    private var gathered: [[UInt8]] = []
    private var numbers: ClosedRange<RecordNumber>?
    private var compactedLength: Int
    private var isCompacting = false

    /// Below this size a journal is left as it is, in bytes.
    private static let smallest = 4 << 20

    /// - Parameter tell: called on `queue`.
    /// - Returns: the store and what it holds.
    static func open(
        _ path: String, queue: DispatchQueue, tell: @escaping @Sendable (Outcome) -> Void
    ) throws(DaemonError) -> (RecordStore, [AccessRouterRecord]) {
        let journal: Journal
        let bytes: [[UInt8]]
        do throws(JournalError) { (journal, bytes) = try Journal.open(path: path) } catch {
            throw .storage("can't \(error)")
        }
        var records: [AccessRouterRecord] = []
        records.reserveCapacity(bytes.count)
        for (place, record) in bytes.enumerated() {
            guard let record = AccessRouterRecord(bytes: record) else {
                throw .storage(
                    "record \(place) of \(path) is of another version; move the file away to start without leases")
            }
            records.append(record)
        }
        return (RecordStore(journal, queue: queue, tell: tell), records)
    }

    private init(_ journal: Journal, queue: DispatchQueue, tell: @escaping @Sendable (Outcome) -> Void) {
        self.journal = journal
        self.queue = queue
        self.tell = tell
        compactedLength = journal.length
    }

    func append(_ record: AccessRouterRecord, _ number: RecordNumber) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(AccessRouterRecord.longestEncoding)
        record.encode(into: &bytes)
        gathered.append(bytes)
        numbers = (numbers?.lowerBound ?? number)...number
    }

    func commit() {
        guard let numbers else { return }
        var records: [[UInt8]] = []
        swap(&records, &gathered)
        self.numbers = nil
        journal.append(records) { [queue, tell] error in
            queue.async { tell(error.map { .failed(numbers, $0) } ?? .stored(through: numbers.upperBound)) }
        }
    }

    /// It has grown to several times what it would be if written anew.
    var wantsCompaction: Bool {
        !isCompacting && journal.length > Self.smallest && journal.length > 4 * compactedLength
    }

    /// Writes the journal anew. What was appended is among the records.
    func compact(to records: [AccessRouterRecord], failed: @escaping @Sendable (JournalError) -> Void) {
        isCompacting = true
        let bytes = records.map { record in
            var bytes: [UInt8] = []
            record.encode(into: &bytes)
            return bytes
        }
        journal.compact(to: bytes) { [queue] error in
            queue.async {
                self.isCompacting = false
                // Not again before it has doubled, should it have failed.
                self.compactedLength = self.journal.length
                if let error { failed(error) }
            }
        }
    }

    /// Waits until all that was committed is stored or has failed.
    func drain() {
        let done = DispatchSemaphore(value: 0)
        journal.append([]) { _ in done.signal() }
        done.wait()
    }
}

import AnchorCore
import Dispatch

/// An access router's records in a journal. What gathers between two commits is stored together.
///
/// All of it happens on one serial queue, to which what other queues have to say is brought back.
final class RecordStore: @unchecked Sendable {
    /// What became of records.
    enum Outcome: Sendable {
        case stored(through: RecordNumber)
        case failed(ClosedRange<RecordNumber>, JournalError)
    }

    private let journal: Journal
    private let queue: DispatchQueue
    /// Writes the journal anew; nobody waits for it.
    private let rewriting = DispatchQueue(label: "flowanchor.journal.rewrite", qos: .utility)
    private let tell: @Sendable (Outcome) -> Void
    private var gathered: [[UInt8]] = []
    private var numbers: ClosedRange<RecordNumber>?
    private var compactedLength: Int
    private var isCompacting = false

    /// Below this size a journal is left as it is, in bytes.
    private static let smallest = 4 << 20

    /// Opens a journal or makes it.
    /// - Parameter each: is given what it holds.
    static func read(_ path: String, each: (AccessRouterRecord) -> Void) throws(DaemonError) -> Journal {
        var place = 0
        do throws(JournalError) {
            return try Journal.open(path: path) { (bytes) throws(JournalError) in
                guard let record = AccessRouterRecord(bytes) else {
                    throw JournalError(
                        "understand record \(place) of", path, code: 0,
                        nextStep: "it is of another version: move the file away to start without leases")
                }
                each(record)
                place += 1
            }
        } catch {
            throw .storage("can't \(error)")
        }
    }

    /// - Parameter tell: called on `queue`.
    init(_ journal: Journal, queue: DispatchQueue, tell: @escaping @Sendable (Outcome) -> Void) {
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

    /// A part of what the journal is to hold: is given where to begin, hands records over, returns where to go on.
    typealias Part = (_ place: Int, _ body: (AccessRouterRecord) -> Void) -> Int?

    /// Writes the journal anew, a part at a time, while it goes on being written.
    /// - Parameters:
    ///   - part: called on the queue until it returns `nil`, first when everything that is stored by now was told.
    ///   - failed: called on the queue.
    func compact(_ part: @escaping Part, failed: @escaping (JournalError) -> Void) {
        isCompacting = true
        let rewrite: JournalRewrite
        do throws(JournalError) { rewrite = try journal.beginRewrite() } catch {
            return endCompaction(error, failed)
        }
        let work = Compaction(rewrite: rewrite, part: part, failed: failed)
        // What is in the file by now was told before this is called.
        journal.append([]) { [queue] _ in queue.async { self.write(work, from: 0) } }
    }

    /// Its closures are called on the queue only; the rewrite is on the other one between two parts.
    private struct Compaction: @unchecked Sendable {
        let rewrite: JournalRewrite
        let part: Part
        let failed: (JournalError) -> Void
    }

    private func write(_ work: Compaction, from place: Int) {
        var records = JournalFrame.Writer()
        let next = work.part(place) { record in records.add { record.encode(into: &$0) } }
        rewriting.async { [queue, journal, records] in
            do throws(JournalError) {
                try work.rewrite.append(records)
                if let next { return queue.async { self.write(work, from: next) } }
                try work.rewrite.flush()
            } catch {
                return queue.async { self.endCompaction(error, work.failed) }
            }
            journal.replace(by: work.rewrite) { error in queue.async { self.endCompaction(error, work.failed) } }
        }
    }

    private func endCompaction(_ error: JournalError?, _ failed: (JournalError) -> Void) {
        isCompacting = false
        // Not again before it has doubled, should it have failed.
        compactedLength = journal.length
        if let error { failed(error) }
    }

    /// Waits until all that was committed is stored or has failed.
    func drain() {
        let done = DispatchSemaphore(value: 0)
        journal.append([]) { _ in done.signal() }
        done.wait()
    }
}

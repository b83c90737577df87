import AnchorCore
import Dispatch
import Glibc
import Synchronization

/// Records on stable storage, in order. Everything that is appended while a write is under way is written with the
/// next one, so that a thousand updates cost one flush to the disk and not a thousand. While writes are quick, the caller
/// does those of a few records itself, which spares it another thread's wake-up and its own.
///
/// A write that fails is told to those whose records were in it; what was there before stays, and what half-way got
/// there is taken off again.
public final class Journal: Sendable {
    public typealias Completion = @Sendable (JournalError?) -> Void

    private struct State {
        var pending: [[UInt8]] = []
        var completions: [Completion] = []
        /// What takes the place of the file's beginning, before `pending` is written.
        var replacement: (rewrite: JournalRewrite, completion: Completion)?
        var isWriting = false
        /// The last write was a quick one.
        var isQuick = false
        /// Bytes of the file that are known to be good.
        var length: Int

        /// - Returns: whether a write is to be started; otherwise the one under way goes on with what was added.
        mutating func begin() -> Bool {
            defer { isWriting = true }
            return !isWriting
        }
    }

    /// The longest that a caller may be held up for.
    private static let quick = TimeSpan.microseconds(800)
    /// With more records at once the caller has better things to do meanwhile.
    private static let few = 4

    public let path: String
    private let state: Mutex<State>
    private let queue = DispatchQueue(label: "flowanchor.journal")

    /// Opens or makes it, and reads what is in it.
    /// - Returns: the journal and all its records.
    public static func open(path: String) throws(JournalError) -> (Journal, records: [[UInt8]]) {
        var records: [[UInt8]] = []
        let journal = try open(path: path) { (record) throws(JournalError) in records.append(Array(record)) }
        return (journal, records)
    }

    /// Opens or makes it, and reads what is in it. A last frame that is not whole was never acknowledged and is cut off.
    /// - Parameter body: is given each record, which lasts as long as the call.
    /// - Throws: if it can't be read or written, or is damaged before its end.
    public static func open(
        path: String, each body: (UnsafeRawBufferPointer) throws(JournalError) -> Void
    ) throws(JournalError) -> Journal {
        let isNew = access(path, F_OK) != 0
        let file = try StableFile(path: path, flags: O_RDWR | O_CREAT)
        if isNew { try StableFile.flushFolder(of: path) }
        let (good, isTorn) = try file.withContents { (bytes) throws(JournalError) in
            var good = 0
            while good < bytes.count {
                switch JournalFrame.decode(bytes, at: good) {
                case .frame(let payload, let next):
                    try JournalFrame.forEachRecord(in: UnsafeRawBufferPointer(rebasing: bytes[payload]), body)
                    good = next
                case .torn: return (good, true)
                case .damaged:
                    throw JournalError(
                        "read", path, code: 0,
                        nextStep: "byte \(good) and what follows is damaged: restore the file, or move it away (nodes "
                            + "then attach anew, and moves before the damage could be replayed)")
                }
            }
            return (good, false)
        }
        if isTorn { try file.truncate(to: good) }
        return Journal(path: path, length: good)
    }

    private init(path: String, length: Int) {
        self.path = path
        state = Mutex(State(length: length))
    }

    /// Stores records behind all others. Each has at most 65,535 bytes.
    /// - Parameter completion: called, in the order of the calls, when they are on the disk or failed to get there: on
    ///   a queue of the journal's, or before this returns.
    public func append(_ records: [[UInt8]], completion: @escaping Completion) {
        precondition(records.allSatisfy { $0.count <= 0xffff }, "a record has at most 65,535 bytes")
        let (starts, isQuick) = state.withLock { state in
            state.pending += records
            state.completions.append(completion)
            return (state.begin(), state.isQuick && state.pending.count <= Self.few)
        }
        guard starts else { return }
        if isQuick { write() } else { queue.async { self.write() } }
    }

    /// Begins to write it anew; what it holds by now is what the new one stands for.
    func beginRewrite() throws(JournalError) -> JournalRewrite { try JournalRewrite(of: path, from: length) }

    /// Puts a new one in the place of what there was when it began; never done by the caller.
    /// - Parameter completion: called on a queue of the journal's; after an error the old one goes on.
    func replace(by rewrite: JournalRewrite, completion: @escaping Completion) {
        let starts = state.withLock { state in
            state.replacement = (rewrite, completion)
            return state.begin()
        }
        if starts { queue.async { self.write() } }
    }

    /// Bytes in the file, to tell when compacting pays.
    public var length: Int { state.withLock { $0.length } }

    private func write() {
        while true {
            let (replacement, records, completions) = state.withLock { state in
                let work = (state.replacement, state.pending, state.completions)
                state.replacement = nil
                state.pending = []
                state.completions = []
                state.isWriting = work.0 != nil || !work.2.isEmpty
                return work
            }
            if let replacement {
                replacement.completion(
                    failure { () throws(JournalError) in
                        let written = try replacement.rewrite.takePlace(of: path, upTo: length)
                        state.withLock { $0.length = written }
                        try StableFile.flushFolder(of: path)
                    })
            }
            if !completions.isEmpty {
                let failure = failure { () throws(JournalError) in try store(records) }
                completions.forEach { $0(failure) }
            } else if replacement == nil {
                return
            }
        }
    }

    private func failure(_ work: () throws(JournalError) -> Void) -> JournalError? {
        do throws(JournalError) { try work() } catch { return error }
        return nil
    }

    private func store(_ records: [[UInt8]]) throws(JournalError) {
        guard !records.isEmpty else { return }
        let start = MonotonicClock.now()
        let length = length
        let frame = JournalFrame.encode(records)
        let file = try StableFile(path: path, flags: O_WRONLY | O_APPEND)
        do throws(JournalError) {
            try file.append(frame)
        } catch {
            // What follows must not stand behind half a frame.
            try file.truncate(to: length)
            throw error
        }
        let isQuick = MonotonicClock.now() - start < Self.quick
        state.withLock { state in
            state.length = length + frame.count
            state.isQuick = isQuick
        }
    }
}

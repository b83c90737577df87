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
        /// In place of everything before `pending`.
        var replacement: [[UInt8]]?
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
    private static let quick = TimeSpan.microseconds(400)
    /// With more records at once the caller has better things to do meanwhile.
    private static let few = 4

    public let path: String
    private let state: Mutex<State>
    private let queue = DispatchQueue(label: "flowanchor.journal")

    /// Opens or makes it, and reads what is in it.
    /// - Returns: the journal and all its records. A last frame that is not whole was never acknowledged and is cut off.
    /// - Throws: if it can't be read or written, or is damaged before its end.
    public static func open(path: String) throws(JournalError) -> (Journal, records: [[UInt8]]) {
        let isNew = access(path, F_OK) != 0
        let file = try StableFile(path: path, flags: O_RDWR | O_CREAT)
        if isNew { try StableFile.flushFolder(of: path) }
        let bytes = try file.readAll()
        var records: [[UInt8]] = []
        var good = 0
        scan: while good < bytes.count {
            switch JournalFrame.decode(bytes, at: good) {
            case .frame(let found, let next):
                records += found
                good = next
            case .torn:
                try file.truncate(to: good)
                break scan
            case .damaged:
                throw JournalError(
                    "read", path, code: 0,
                    nextStep: "byte \(good) and what follows is damaged: restore the file, or move it away (nodes "
                        + "then attach anew, and moves before the damage could be replayed)")
            }
        }
        return (Journal(path: path, length: good), records)
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

    /// Puts these records in the place of all that were stored or appended before; never done by the caller.
    public func compact(to records: [[UInt8]], completion: @escaping Completion) {
        let starts = state.withLock { state in
            state.replacement = records
            state.pending = []
            state.completions.append(completion)
            return state.begin()
        }
        if starts { queue.async { self.write() } }
    }

    /// Bytes in the file, to tell when compacting pays.
    public var length: Int { state.withLock { $0.length } }

    private func write() {
        while true {
            let (work, completions, length) = state.withLock { state in
                let work = (replacement: state.replacement, records: state.pending)
                let completions = state.completions
                state.replacement = nil
                state.pending = []
                state.completions = []
                state.isWriting = !completions.isEmpty
                return (work, completions, state.length)
            }
            guard !completions.isEmpty else { return }
            var failure: JournalError?
            do throws(JournalError) {
                let start = MonotonicClock.now()
                let written = try store(work.replacement, work.records, at: length)
                let isQuick = MonotonicClock.now() - start < Self.quick
                state.withLock { state in
                    state.length = written
                    state.isQuick = isQuick
                }
            } catch {
                failure = error
            }
            completions.forEach { $0(failure) }
        }
    }

    /// - Returns: the file's length afterwards.
    private func store(
        _ replacement: [[UInt8]]?, _ records: [[UInt8]], at length: Int
    ) throws(JournalError) -> Int {
        if let replacement {
            let all = replacement + records
            let frame = all.isEmpty ? [] : JournalFrame.encode(all)
            try StableFile.replace(path, with: frame)
            return frame.count
        }
        guard !records.isEmpty else { return length }
        let frame = JournalFrame.encode(records)
        let file = try StableFile(path: path, flags: O_WRONLY | O_APPEND)
        do throws(JournalError) {
            try file.append(frame)
        } catch {
            // What follows must not stand behind half a frame.
            try file.truncate(to: length)
            throw error
        }
        return length + frame.count
    }
}

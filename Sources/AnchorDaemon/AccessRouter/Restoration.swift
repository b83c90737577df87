import AnchorCore
import Dispatch

/// Reads a journal into a router on another thread, while tables are made and programs are verified.
///
/// What it found is written before the semaphore is signalled and read after, which is what makes it safe to hand around.
final class Restoration: @unchecked Sendable {
    private let done = DispatchSemaphore(value: 0)
    /// Read after `done` was signalled.
    private var result: Result<(AccessRouter, Journal), any Error>?

    private static let atOnce = 128

    /// - Parameters:
    ///   - router: one that holds nothing yet.
    ///   - path: of the journal, which is made where there is none.
    ///   - capacity: hosts to make room for at most.
    init(of router: AccessRouter, from path: String, capacity: Int) {
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            result = Result {
                var router = router
                let expected = StateFile.length(path) / AccessRouterRecord.longestEncoding
                router.reserveHosts(min(expected, capacity))
                var records: [AccessRouterRecord] = []
                let journal = try RecordStore.read(path) { record in
                    records.append(record)
                    guard records.count == Self.atOnce else { return }
                    router.restore(records)
                    records.removeAll(keepingCapacity: true)
                }
                router.restore(records)
                return (router, journal)
            }
            done.signal()
        }
    }

    /// Waits for it, once.
    /// - Throws: ``DaemonError`` if the journal can't be read.
    func finish() throws -> (AccessRouter, Journal) {
        done.wait()
        // Not held here any longer: what is held twice is copied at its first change.
        let ended = result.take()
        return try ended!.get()
    }
}

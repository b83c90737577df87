import AnchorCore
import AnchorDataPlane
import Dispatch
import Synchronization

/// Puts the bindings of a start in force, a million of them: while some are written into the table by another thread,
/// what the next are to be there is worked out here.
struct HostLoader {
    private let plane: ForwardingPlane
    private let writer = DispatchQueue(label: "flowanchor.load", qos: .userInitiated)
    /// So many parts may wait for the writer.
    private let room = DispatchSemaphore(value: 3)
    private let written = Written()
    private var part: [HostEntry] = []
    private var known: ForwardingPlane.KnownPath?

    private static let partSize = 512

    private final class Written: Sendable {
        let state = Mutex(Result())
    }

    /// What came of it.
    struct Result {
        /// Bindings that are in force.
        var count = 0
        /// Why others are not.
        var failure: DataPlaneError?
    }

    init(_ plane: ForwardingPlane) {
        self.plane = plane
        part.reserveCapacity(Self.partSize)
    }

    mutating func add(_ binding: HostBinding) {
        plane.translation?.admit(binding.address)
        do throws(DataPlaneError) { part.append(try plane.entry(binding, &known)) } catch {
            written.state.withLock { $0.failure = error }
        }
        if part.count == Self.partSize { write() }
    }

    /// Waits until all are written.
    mutating func finish() -> Result {
        write()
        writer.sync {}
        return written.state.withLock { $0 }
    }

    private mutating func write() {
        guard !part.isEmpty else { return }
        let entries = part
        part = []
        part.reserveCapacity(Self.partSize)
        room.wait()
        writer.async { [dataPlane = plane.dataPlane, written, room] in
            do throws(DataPlaneError) {
                try dataPlane.setHosts(entries)
                written.state.withLock { $0.count += entries.count }
            } catch {
                written.state.withLock { $0.failure = error }
            }
            room.signal()
        }
    }
}

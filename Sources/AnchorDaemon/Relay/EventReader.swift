import AnchorDataPlane
import BPFKit
import Dispatch
import Synchronization

/// Reads what the programs tell, on its owner's queue, where alone the ring is touched once it is made.
final class EventReader: @unchecked Sendable {
    private let ring: BPFRingBuffer
    private let gathered: Gathered
    private let source: any DispatchSourceRead

    /// What one reading hands over.
    private final class Gathered: Sendable {
        let events = Mutex<[DataPlaneEvent]>([])
    }

    /// - Parameter handle: called on `queue` with each event.
    init(
        _ dataPlane: KernelDataPlane, on queue: DispatchQueue, failed: @escaping @Sendable (BPFError) -> Void,
        handle: @escaping @Sendable (DataPlaneEvent) -> Void
    ) throws(DataPlaneError) {
        let gathered = Gathered()
        self.gathered = gathered
        ring = try dataPlane.events { record in
            if let event = DataPlaneEvent(record) { gathered.events.withLock { $0.append(event) } }
        }
        source = DispatchSource.makeReadSource(fileDescriptor: ring.eventDescriptor, queue: queue)
        source.setEventHandler { [weak self] in
            guard let self else { return }
            do throws(BPFError) { try ring.consume() } catch { failed(error) }
            let events = gathered.events.withLock { events in
                defer { events = [] }
                return events
            }
            for event in events { handle(event) }
        }
        source.activate()
    }

    func stop() { source.cancel() }
}

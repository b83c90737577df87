import AnchorDataPlane
import BPFKit
import Dispatch

/// Reads what the programs tell, on its owner's queue, where alone the ring is touched once it is made.
final class EventReader: @unchecked Sendable {
    private let ring: BPFRingBuffer
    private let source: any DispatchSourceRead

    /// - Parameter handle: called on `queue` with each event. Until it has returned, the event is in the ring: programs
    ///   see that what they hand over now comes behind it.
    init(
        _ dataPlane: KernelDataPlane, on queue: DispatchQueue, failed: @escaping @Sendable (BPFError) -> Void,
        handle: @escaping @Sendable (DataPlaneEvent) -> Void
    ) throws(DataPlaneError) {
        ring = try dataPlane.events { record in
            if let event = DataPlaneEvent(record) { handle(event) }
        }
        source = DispatchSource.makeReadSource(fileDescriptor: ring.eventDescriptor, queue: queue)
        source.setEventHandler { [weak self] in
            guard let self else { return }
            do throws(BPFError) { try ring.consume() } catch { failed(error) }
        }
        source.activate()
    }

    func stop() { source.cancel() }
}

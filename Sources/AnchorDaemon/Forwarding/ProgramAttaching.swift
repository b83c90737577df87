import AnchorDataPlane
import Dispatch

/// Puts programs on ports on another thread: the kernel verifies them for a third of a second, in which hosts are
/// restored and loaded.
///
/// What became of it is written before the semaphore is signalled and read after, which is what makes it safe to hand
/// around.
final class ProgramAttaching: @unchecked Sendable {
    typealias Outcome = (port: PortIndex, result: Result<ProgramAttachment, DataPlaneError>)

    private let attach: @Sendable (PortIndex) throws(DataPlaneError) -> ProgramAttachment
    private let done = DispatchSemaphore(value: 0)
    private var isStarted = false
    private var outcomes: [Outcome] = []

    /// - Parameter attach: puts programs on a port that is described.
    init(_ attach: @escaping @Sendable (PortIndex) throws(DataPlaneError) -> ProgramAttachment) {
        self.attach = attach
    }

    /// Once.
    func start(_ ports: [PortIndex]) {
        isStarted = true
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            for port in ports {
                outcomes.append((port, Result { () throws(DataPlaneError) in try attach(port) }))
            }
            done.signal()
        }
    }

    /// Waits until it has been tried on each port.
    func finish() -> [Outcome] {
        guard isStarted else { return [] }
        done.wait()
        return outcomes
    }
}

import Foundation
import Synchronization

/// Removes the labs of this process when it is told to end by SIGINT, SIGTERM or SIGHUP.
public enum RemovalOnSignal {
    private static let identities = Mutex<Set<LabIdentity>>([])
    private static let sources = Mutex<[any DispatchSourceSignal]>([])
    private static let interrupted = Mutex(false)

    /// From now on; once a process.
    public static func install() {
        sources.withLock { sources in
            guard sources.isEmpty else { return }
            let queue = DispatchQueue(label: "flowanchor.lab.signals")
            for number in [SIGINT, SIGTERM, SIGHUP] {
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler {
                    interrupted.withLock { $0 = true }
                    let owned = identities.withLock { $0 }
                    FileHandle.standardError.write(Data("\nInterrupted; removing what the lab has made.\n".utf8))
                    // Twice: the interrupted thread may have been making one more namespace meanwhile.
                    for _ in 0..<2 { owned.forEach(LabRemoval.remove) }
                    exit(128 + number)
                }
                source.resume()
                sources.append(source)
            }
        }
    }

    /// Does not return once a signal has come: what fails from then on fails because of the removal,
    /// and is not worth a report.
    public static func waitIfInterrupted() {
        while interrupted.withLock({ $0 }) { poll(nil, 0, 1000) }
    }

    static func add(_ identity: LabIdentity) { _ = identities.withLock { $0.insert(identity) } }
    static func drop(_ identity: LabIdentity) { _ = identities.withLock { $0.remove(identity) } }
}

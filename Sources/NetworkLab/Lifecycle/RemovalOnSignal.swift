import Foundation
import Synchronization

/// Removes the labs of this process when it is told to end by SIGINT, SIGTERM or SIGHUP.
///
/// From the signal on, only the removal may start processes: whoever else tries to waits for the end
/// of this process, so that nothing is made behind the removal's back.
public enum RemovalOnSignal {
    private struct State {
        var identities: Set<LabIdentity> = []
        var isInterrupted = false
        /// Commands that run at this moment.
        var commands: Set<pid_t> = []
        var sources: [any DispatchSourceSignal] = []
    }

    private static let state = Mutex(State())
    private static let isRemoval = DispatchSpecificKey<Bool>()

    /// From now on; once a process.
    public static func install() {
        state.withLock { state in
            guard state.sources.isEmpty else { return }
            let queue = DispatchQueue(label: "flowanchor.lab.signals")
            queue.setSpecific(key: isRemoval, value: true)
            for number in [SIGINT, SIGTERM, SIGHUP] {
                signal(number, SIG_IGN)
                let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
                source.setEventHandler { removeAll(because: number) }
                source.resume()
                state.sources.append(source)
            }
        }
    }

    private static func removeAll(because number: Int32) -> Never {
        let (identities, commands) = state.withLock { state in
            state.isInterrupted = true
            return (state.identities, state.commands)
        }
        FileHandle.standardError.write(Data("\nInterrupted; removing what the lab has made.\n".utf8))
        _ = pollUntil(timeout: .seconds(5)) { commands.allSatisfy { processStartTime($0) == nil } }
        identities.forEach(LabRemoval.remove)
        exit(128 + number)
    }

    /// Does not return once a signal has come: what fails from then on fails because of the removal,
    /// and is not worth a report.
    static func waitIfInterrupted() {
        guard DispatchQueue.getSpecific(key: isRemoval) != true else { return }
        while state.withLock({ $0.isInterrupted }) { poll(nil, 0, 1000) }
    }

    /// Starts a process, unless a signal has come.
    static func start(_ body: () throws -> pid_t) rethrows -> pid_t {
        let isRemoval = DispatchQueue.getSpecific(key: isRemoval) == true
        while true {
            let pid: pid_t? = try state.withLock { state in
                if state.isInterrupted && !isRemoval { return nil }
                let pid = try body()
                state.commands.insert(pid)
                return pid
            }
            if let pid { return pid }
            waitIfInterrupted()
        }
    }

    /// It has ended, or ends with its namespace.
    static func forget(_ pid: pid_t) { state.withLock { _ = $0.commands.remove(pid) } }
    static func add(_ identity: LabIdentity) { state.withLock { _ = $0.identities.insert(identity) } }
    static func drop(_ identity: LabIdentity) { state.withLock { _ = $0.identities.remove(identity) } }
}

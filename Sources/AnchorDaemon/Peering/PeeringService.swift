import AnchorCore
import AnchorPKI
import AnchorPeering
import Dispatch
import Foundation
import Logging
import NetworkTypes
import Synchronization

/// The sessions of this router: tells what happens to the log and to whoever watches.
final class PeeringService: Sendable {
    let peering: Peering
    private let logger: Logger
    private let events: EventHub

    /// Reads the certificate files, which were good when the configuration was read.
    init(
        _ settings: PeeringSettings, _ router: AccessRouterSettings, epoch: UInt32, logger: Logger, events: EventHub
    ) throws(DaemonError) {
        var configuration = PeeringConfiguration(
            files: settings.files, listen: settings.listen.map { TransportAddress($0, port: settings.port) },
            peers: settings.peers.map {
                ConfiguredPeer(name: $0.name, address: TransportAddress($0.address, port: $0.port))
            },
            run: RouterRun(epoch: epoch, router: router.id, endpoints: router.endpoints))
        configuration.limits.keepAlive = TimeSpan(seconds: settings.keepAlive)
        configuration.limits.deadAfter = TimeSpan(seconds: settings.keepAlive) * 3
        do {
            peering = try Peering(configuration)
        } catch {
            throw DaemonError("peering can't begin: \(error)", exitCode: 78)
        }
        self.logger = logger
        self.events = events
    }

    /// Listens, and looks for neighbours. Not for a thread of the concurrency runtime, which it would hold up.
    /// What happens is told from ``deliver(on:to:)`` on.
    func start() throws(DaemonError) {
        let outcome = Mutex<DaemonError?>(nil)
        let done = DispatchSemaphore(value: 0)
        Task {
            do {
                let addresses = try await peering.start()
                logger.info(
                    "listening for peers",
                    metadata: [
                        "name": "\(peering.name)", "on": "\(addresses.map(\.description).joined(separator: ","))",
                    ])
            } catch {
                outcome.withLock { $0 = .inUse("\(error)") }
            }
            done.signal()
        }
        done.wait()
        if let failure = outcome.withLock({ $0 }) { throw failure }
    }

    /// - Parameter handle: called on `queue` with what happens, one after the other: while it is busy, neighbours wait.
    func deliver(on queue: DispatchQueue, to handle: @escaping @Sendable (PeerEvent) -> Void) {
        peering.events.deliver(on: queue) { [weak self] event in
            handle(event)
            self?.tell(event)
        }
    }

    /// Says goodbye. Not for a thread of the concurrency runtime.
    func stop() {
        let done = DispatchSemaphore(value: 0)
        Task {
            await peering.stop()
            done.signal()
        }
        // Neighbours that don't take the goodbye find out by themselves.
        _ = done.wait(timeout: .now() + 2)
    }

    private func tell(_ event: PeerEvent) {
        switch event {
        case .up(let session):
            tell(
                "peer-up", "session with \(session.peer)", .notice,
                [
                    "peer": session.peer, "remote": session.remote.map(\.description) ?? "",
                    "opened": session.isOpenedHere ? "here" : "peer", "epoch": "\(session.hello.epoch)",
                ])
        case .down(let session, let reason):
            tell(
                "peer-down", "no session with \(session.peer) any more: \(reason)", .notice,
                ["peer": session.peer, "reason": reason.name])
        case .refused(let refused):
            var fields = ["reason": refused.reason.name, "detail": refused.detail]
            if let peer = refused.peer { fields["peer"] = peer }
            if let remote = refused.remote { fields["remote"] = "\(remote)" }
            let who = refused.peer.map { "'\($0)'" } ?? refused.remote.map(\.description) ?? "somebody"
            // Of a port scan or a neighbour that starts anew nobody need be warned.
            tell(
                "peer-refused", "connection with \(who) refused: \(refused.reason.name)",
                refused.reason == .abandoned ? .info : .warning, fields)
        case .credentialsRenewed(let end):
            tell(
                "certificate-renewed", "the changed certificate is in use, until \(end.formatted(.iso8601))", .notice,
                ["until": end.formatted(.iso8601)])
        case .credentialsRefused(let problem):
            tell(
                "certificate-refused", "the changed certificate files are not used: \(problem)", .error,
                ["problem": "\(problem)"])
        case .message: break
        }
    }

    private func tell(_ kind: String, _ text: String, _ level: Logger.Level, _ fields: [String: String]) {
        logger.log(level: level, "\(text)", metadata: fields.mapValues { "\($0)" })
        events.tell(kind, text, fields)
    }
}

import AnchorCore
import AnchorPKI
import Foundation
import NetworkTypes
import Synchronization
import Testing

@testable import AnchorPeering

/// Routers on loopback addresses that no other test uses, with an authority of their own. Real sockets, real TLS.
final class PeeringBench: Sendable {
    static let port: UInt16 = 4346

    let folder: String
    let authority: CertificateAuthority
    private let network: UInt32
    /// A /24 of 127.0.0.0/8 for each bench of this process; other processes begin elsewhere.
    private static let networks = Mutex(UInt32.random(in: 0x0100...0xf000))

    init() throws {
        let number = Self.networks.withLock { networks in
            networks += 1
            return networks
        }
        network = UInt32(127) << 24 | number << 8
        folder = FileManager.default.temporaryDirectory.appending(path: "fa-peer-\(UUID().uuidString.prefix(8))").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        authority = try CertificateAuthority(name: "Bench", validity: Validity(days: 10, from: .now))
        try write(authority.credential.certificatePEM, to: "ca.crt")
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    /// The loopback address of router n.
    func address(_ number: Int) -> IPAddress { IPAddress(v4: network | UInt32(number)) }
    func transport(_ number: Int) -> TransportAddress { TransportAddress(address(number), port: Self.port) }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(folder)/\(name)", atomically: true, encoding: .utf8)
    }

    func identity(_ number: Int, role: CertifiedRole = .accessRouter) throws -> CertifiedIdentity {
        try CertifiedIdentity(role: role, name: "r\(number)", addresses: [address(number)])
    }

    /// Puts a credential where router n has its own, or elsewhere.
    @discardableResult
    func store(_ credential: Credential, as name: String) throws -> CredentialFiles {
        try write(credential.certificatePEM, to: "\(name).crt")
        try write(credential.keyPEM, to: "\(name).key")
        return files(name)
    }

    func files(_ name: String) -> CredentialFiles {
        CredentialFiles(
            certificate: "\(folder)/\(name).crt", key: "\(folder)/\(name).key", authority: "\(folder)/ca.crt")
    }

    func issue(_ number: Int, role: CertifiedRole = .accessRouter, validity: Validity? = nil) throws -> Credential {
        try authority.issue(
            identity(number, role: role), validity: validity ?? Validity(days: 5, from: .now))
    }

    /// Times that fit a test: short where something is waited for, long where it must not happen.
    static var limits: PeeringLimits {
        var limits = PeeringLimits()
        limits.keepAlive = .milliseconds(100)
        limits.deadAfter = .seconds(20)
        limits.handshakeTimeout = .seconds(10)
        limits.shortestPause = .milliseconds(20)
        limits.longestPause = .milliseconds(200)
        limits.credentialCheck = .milliseconds(20)
        limits.handshakes = RateLimit(perSecond: 1000, burst: 1000)
        return limits
    }

    func configuration(
        _ number: Int, peers: [Int], limits: PeeringLimits = PeeringBench.limits
    ) throws -> PeeringConfiguration {
        let files = files("r\(number)")
        if !FileManager.default.fileExists(atPath: files.certificate) { try store(issue(number), as: "r\(number)") }
        var configuration = PeeringConfiguration(
            files: files, listen: [transport(number)],
            peers: peers.map { ConfiguredPeer(name: "r\($0)", address: transport($0)) },
            run: RouterRun(epoch: 1, router: UInt64(number), endpoints: [address(number)]))
        configuration.limits = limits
        return configuration
    }

    /// A router that runs, its events collected.
    func router(
        _ number: Int, peers: [Int], limits: PeeringLimits = PeeringBench.limits
    ) async throws -> RunningRouter {
        try await RunningRouter(configuration(number, peers: peers, limits: limits))
    }
}

/// A router and what has happened to it.
final class RunningRouter: Sendable {
    let peering: Peering
    private let seen = Mutex<[PeerEvent]>([])
    private let reader = Mutex<Task<Void, Never>?>(nil)

    /// - Parameter reads: false to leave its events unread until ``read()``.
    init(_ configuration: PeeringConfiguration, reads: Bool = true) async throws {
        peering = try Peering(configuration)
        try await peering.start()
        if reads { read() }
    }

    func read() {
        reader.withLock { reader in
            guard reader == nil else { return }
            reader = Task { [weak self, events = peering.events] in
                for await event in events { self?.seen.withLock { $0.append(event) } }
            }
        }
    }

    var events: [PeerEvent] { seen.withLock { $0 } }

    /// Sessions that have begun and not ended.
    var sessions: [PeerSession] {
        var sessions: [PeerSession] = []
        for event in events {
            switch event {
            case .up(let session): sessions.append(session)
            case .down(let session, _): sessions.removeAll { $0 == session }
            case .message, .refused, .credentialsRenewed, .credentialsRefused: break
            }
        }
        return sessions
    }

    var peers: [String] { sessions.map(\.peer).sorted() }

    /// Why sessions have ended, those apart that gave way to another one of the pair.
    var downs: [PeerDownReason] {
        events.compactMap { if case .down(_, let reason) = $0, reason != .replaced { reason } else { nil } }
    }

    var refusals: [PeeringRefused] { events.compactMap { if case .refused(let refused) = $0 { refused } else { nil } } }

    var payloads: [[UInt8]] {
        events.compactMap { if case .message(_, _, let payload) = $0 { Array(payload.readableBytesView) } else { nil } }
    }

    /// How often that reason was counted.
    func count(_ reason: PeeringRefusal) async -> UInt64 {
        await peering.status().refusals.first { $0.reason == reason }?.count ?? 0
    }

    /// Connections of any kind that there are now.
    var connections: Int {
        get async throws { try await peering.eventLoop.submit { self.peering.connections.count }.get() }
    }

    func status(_ peer: String) async -> PeerStatus? { await peering.status().peers.first { $0.peer.name == peer } }
}

/// Runs routers for as long as `body` does, and ends them in any case.
func running(_ routers: RunningRouter..., body: () async throws -> Void) async throws {
    do {
        try await body()
    } catch {
        for router in routers { await router.peering.stop() }
        throw error
    }
    for router in routers { await router.peering.stop() }
}

/// Asks again and again until it holds. Other suites may hold all processors for half a minute.
func eventually(
    _ what: String, timeout: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () async throws -> Bool
) async throws {
    let deadline = ContinuousClock.now + timeout
    while try await !condition() {
        guard ContinuousClock.now < deadline else {
            Issue.record("never happened: \(what)", sourceLocation: sourceLocation)
            throw CancellationError()
        }
        try await Task.sleep(for: .milliseconds(2))
    }
}

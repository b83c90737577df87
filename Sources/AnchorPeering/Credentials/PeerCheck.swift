import AnchorPKI
import NIOCore
import NIOSSL
import Synchronization

/// Looks at the certificate of one connection's other end while the handshake waits, and keeps what came of it.
///
/// A session that is resumed (RFC 8446, section 2.2) shows no certificate: then nothing was found good here, and the
/// connection is refused.
final class PeerCheck: Sendable {
    /// Whom a connection may lead to.
    enum Expectation: Sendable {
        /// A neighbour of these names opens it.
        case anyOf(Set<String>)
        /// It was opened to this one.
        case only(String, among: Set<String>)
    }

    struct Finding {
        var peer: VerifiedPeer?
        var refusal: PeeringRefusal?
        /// The name in a certificate that is good by itself.
        var name: String?
    }

    private let authority: PinnedAuthority
    private let expectation: Expectation
    private let finding = Mutex(Finding())

    init(_ authority: PinnedAuthority, _ expectation: Expectation) {
        self.authority = authority
        self.expectation = expectation
    }

    var result: Finding { finding.withLock { $0 } }

    /// For NIOSSL, which asks while the handshake waits.
    func verify(_ chain: [NIOSSLCertificate], _ promise: EventLoopPromise<NIOSSLVerificationResult>) {
        guard let der = chain.first.flatMap({ try? $0.toDERBytes() }) else {
            finding.withLock { $0.refusal = .certificate(.unreadable) }
            return promise.succeed(.failed)
        }
        promise.completeWithTask { await self.examine(der) ? .certificateVerified : .failed }
    }

    private func examine(_ der: [UInt8]) async -> Bool {
        var found = Finding()
        do throws(CertificateRefusal) {
            let peer = try await authority.identity(der, role: .accessRouter, purpose: purpose)
            found.name = peer.identity.name
            found.refusal = refusal(of: peer.identity.name)
            if found.refusal == nil { found.peer = peer }
        } catch {
            found.refusal = .certificate(error)
        }
        let outcome = found
        finding.withLock { $0 = outcome }
        return outcome.peer != nil
    }

    private var purpose: PinnedAuthority.Purpose {
        switch expectation {
        case .anyOf: .client
        case .only: .server
        }
    }

    private func refusal(of name: String) -> PeeringRefusal? {
        switch expectation {
        case .anyOf(let names): names.contains(name) ? nil : .notConfigured
        case .only(let wanted, let names):
            name == wanted ? nil : names.contains(name) ? .wrongPeer : .notConfigured
        }
    }
}

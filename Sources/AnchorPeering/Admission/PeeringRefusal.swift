import AnchorPKI

/// Why a connection did not become a session, or a session ended for what its peer did. Each is counted under its name.
public enum PeeringRefusal: Hashable, Sendable {
    /// Too many connections of one source in a short time.
    case rateLimited
    /// Too many connections that are not sessions yet.
    case tooManyHalfOpen
    /// No hello in time.
    case handshakeTimeout
    /// The other end has gone away before that.
    case abandoned
    /// The other end wants less than TLS 1.3.
    case tlsVersion
    /// The other end has shown no certificate.
    case noCertificate
    /// Its certificate is not good.
    case certificate(CertificateRefusal)
    /// Its certificate is good, but no neighbour of that name is configured.
    case notConfigured
    /// Another neighbour answers where this one should.
    case wrongPeer
    /// What it sent is not of the protocol.
    case malformed
    /// Its hello has another name than its certificate.
    case helloName
    /// Its hello has a tunnel endpoint that its certificate doesn't name (T5).
    case helloEndpoint
    /// It refused us.
    case refusedByPeer
    /// TLS failed for another reason.
    case handshakeFailed
}

extension PeeringRefusal: CaseIterable {
    public static var allCases: [PeeringRefusal] {
        [.rateLimited, .tooManyHalfOpen, .handshakeTimeout, .abandoned, .tlsVersion, .noCertificate]
            + CertificateRefusal.allCases.map { .certificate($0) }
            + [.notConfigured, .wrongPeer, .malformed, .helloName, .helloEndpoint, .refusedByPeer, .handshakeFailed]
    }

    /// In metrics, events and messages.
    public var name: String {
        switch self {
        case .rateLimited: "rate-limited"
        case .tooManyHalfOpen: "too-many-half-open"
        case .handshakeTimeout: "handshake-timeout"
        case .abandoned: "handshake-abandoned"
        case .tlsVersion: "tls-version"
        case .noCertificate: "no-certificate"
        case .certificate(let refusal): refusal.rawValue
        case .notConfigured: "not-configured"
        case .wrongPeer: "wrong-peer"
        case .malformed: "malformed"
        case .helloName: "hello-name"
        case .helloEndpoint: "hello-endpoint"
        case .refusedByPeer: "refused-by-peer"
        case .handshakeFailed: "handshake-failed"
        }
    }
}

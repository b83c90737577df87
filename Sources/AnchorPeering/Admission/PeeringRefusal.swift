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

    /// For people.
    public var meaning: String {
        switch self {
        case .rateLimited: "too many connections of this source in a short time"
        case .tooManyHalfOpen: "too many connections without a hello"
        case .handshakeTimeout: "no hello in time"
        case .abandoned: "it has gone away before its hello"
        case .tlsVersion: "it does not speak TLS 1.3"
        case .noCertificate: "it has shown no certificate in this handshake"
        case .certificate(.unreadable): "its certificate can't be read"
        case .certificate(.untrusted): "its certificate is not signed by the authority of this router's ca-file"
        case .certificate(.expired): "its certificate, or the authority's, has ended"
        case .certificate(.notYetValid): "its certificate, or the authority's, is not valid yet: are both clocks right?"
        case .certificate(.wrongPurpose): "its certificate is not for this end of a connection"
        case .certificate(.noIdentity): "its certificate has no name of the form flowanchor://ROLE/NAME"
        case .certificate(.wrongRole): "its certificate is not that of an access router"
        case .notConfigured: "its certificate is good, but no peer of that name is configured"
        case .wrongPeer: "another peer answers at this one's address"
        case .malformed: "it has sent what is not of the protocol"
        case .helloName: "its hello has another name than its certificate"
        case .helloEndpoint: "its hello has a tunnel endpoint that its certificate does not name"
        case .refusedByPeer: "it refuses this router; its log says why"
        case .handshakeFailed: "the handshake failed"
        }
    }
}

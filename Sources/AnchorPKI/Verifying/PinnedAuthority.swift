import Foundation
import X509

/// The one authority whose certificates are accepted; the system's are not (T6).
public struct PinnedAuthority: Sendable {
    /// What the holder of a certificate does with it.
    public enum Purpose: Sendable {
        /// It opens connections.
        case client
        /// It accepts connections.
        case server
    }

    public let certificate: Certificate

    /// - Throws: if that is no authority's.
    public init(_ certificate: Certificate) throws(PKIError) {
        try CertificateAuthority.checkIsAuthority(certificate)
        self.certificate = certificate
    }

    /// Looks at a certificate that a peer has shown, in the order of ``CertificateRefusal``. That the peer holds its key
    /// is the handshake's to find out.
    /// - Parameter der: the certificate's encoding.
    public func identity(
        _ der: [UInt8], role: CertifiedRole, purpose: Purpose
    ) async throws(CertificateRefusal) -> VerifiedPeer {
        guard let leaf = try? Certificate(derEncoded: der) else { throw .unreadable }
        try checkSigned(leaf)
        // Once more, with all that RFC 5280 demands of a chain.
        var verifier = Verifier(rootCertificates: CertificateStore([certificate])) { RFC5280Policy() }
        guard case .validCertificate = await verifier.validate(leaf: leaf, intermediates: CertificateStore()) else {
            throw .untrusted
        }
        let usages = (try? leaf.extensions.extendedKeyUsage).map { Array($0) } ?? []
        guard usages.contains(purpose == .client ? .clientAuth : .serverAuth) else { throw .wrongPurpose }
        guard let identity = try? CertifiedIdentity(of: leaf) else { throw .noIdentity }
        guard identity.role == role else { throw .wrongRole }
        return VerifiedPeer(identity: identity, validUntil: min(leaf.notValidAfter, certificate.notValidAfter))
    }

    /// It is signed by the authority itself and valid now. Told apart, so that a refusal names what is to be done.
    func checkSigned(_ leaf: Certificate, at now: Date = .now) throws(CertificateRefusal) {
        // The authority's own certificate is signed by it as well; it is nobody's who peers.
        guard leaf != certificate, leaf.issuer == certificate.subject,
            certificate.publicKey.isValidSignature(leaf.signature, for: leaf)
        else { throw .untrusted }
        for certificate in [leaf, certificate] {
            guard now <= certificate.notValidAfter else { throw .expired }
            guard now >= certificate.notValidBefore else { throw .notYetValid }
        }
    }
}

/// A peer whose certificate was found good.
public struct VerifiedPeer: Hashable, Sendable {
    public var identity: CertifiedIdentity
    /// Nothing that depends on the certificate may last longer.
    public var validUntil: Date

    public init(identity: CertifiedIdentity, validUntil: Date) {
        self.identity = identity
        self.validUntil = validUntil
    }
}

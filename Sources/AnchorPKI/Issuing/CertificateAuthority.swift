import Crypto
import Foundation
import X509

/// Whom all routers of a network trust, and nobody else (T6): signs the certificates of routers, directly, so that there
/// are no intermediate ones.
public struct CertificateAuthority: Sendable {
    public let credential: Credential

    public static let validityInDays = 3650
    public static let routerValidityInDays = 365

    /// Makes an authority with a fresh key.
    /// - Parameter name: the subject's common name, for people.
    public init(name: String, validity: Validity) throws(PKIError) {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        do {
            let subject = try DistinguishedName {
                OrganizationName("FlowAnchor")
                CommonName(name)
            }
            let identifier = SubjectKeyIdentifier(hash: key.publicKey)
            let certificate = try Certificate(
                version: .v3, serialNumber: .random(), publicKey: key.publicKey,
                notValidBefore: validity.from, notValidAfter: validity.until, issuer: subject, subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    // It signs routers, which sign nobody.
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    identifier
                },
                issuerPrivateKey: key)
            credential = try Credential(certificate: certificate, key: key)
        } catch {
            throw error as? PKIError ?? PKIError(.failed, "the certificate of the authority can't be made: \(error)")
        }
    }

    /// - Throws: if that is no authority's.
    public init(_ credential: Credential) throws(PKIError) {
        try Self.checkIsAuthority(credential.certificate)
        self.credential = credential
    }

    static func checkIsAuthority(_ certificate: Certificate) throws(PKIError) {
        guard case .isCertificateAuthority? = try? certificate.extensions.basicConstraints else {
            throw PKIError(.invalid, "it is no certificate of an authority")
        }
    }

    /// Makes a certificate with a fresh key and a random serial number.
    /// - Parameter validity: cut where the authority's own ends.
    public func issue(_ identity: CertifiedIdentity, validity: Validity) throws(PKIError) -> Credential {
        let own = credential.certificate
        guard validity.until > own.notValidBefore, validity.from < own.notValidAfter else {
            throw PKIError(
                .invalid, "the authority is valid from \(own.notValidBefore) until \(own.notValidAfter) only",
                nextStep: "make another with 'anchorctl pki init --force', and issue all certificates anew")
        }
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        do {
            let subject = try DistinguishedName {
                OrganizationName("FlowAnchor")
                CommonName(identity.name)
            }
            let issuer = try own.extensions.subjectKeyIdentifier?.keyIdentifier
            let certificate = try Certificate(
                version: .v3, serialNumber: .random(), publicKey: key.publicKey,
                notValidBefore: max(validity.from, own.notValidBefore),
                notValidAfter: min(validity.until, own.notValidAfter), issuer: own.subject, subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    // A router opens connections and accepts them.
                    try ExtendedKeyUsage([.serverAuth, .clientAuth])
                    identity.alternativeNames
                    SubjectKeyIdentifier(hash: key.publicKey)
                    AuthorityKeyIdentifier(keyIdentifier: issuer)
                },
                issuerPrivateKey: credential.key)
            return try Credential(certificate: certificate, key: key)
        } catch {
            throw error as? PKIError ?? PKIError(.failed, "the certificate of \(identity.name) can't be made: \(error)")
        }
    }
}

extension Certificate.SerialNumber {
    /// 126 random bits in 16 bytes: positive, and within the 20 that RFC 5280, section 4.1.2.2 allows.
    static func random() -> Certificate.SerialNumber {
        var bytes = (0..<16).map { _ in UInt8.random(in: .min ... .max) }
        bytes[0] = bytes[0] & 0x3f | 0x40
        return Certificate.SerialNumber(bytes: bytes)
    }
}

import Crypto
import Foundation
import X509

/// A certificate together with its private key, P-256 (FIPS 186-5).
public struct Credential: Sendable {
    public var certificate: Certificate
    public var key: Certificate.PrivateKey

    /// - Throws: if the key is not that of the certificate.
    public init(certificate: Certificate, key: Certificate.PrivateKey) throws(PKIError) {
        guard certificate.publicKey == key.publicKey else {
            throw PKIError(.invalid, "the key is not that of the certificate")
        }
        self.certificate = certificate
        self.key = key
    }

    /// The certificate as PEM (RFC 7468).
    public var certificatePEM: String {
        get throws(PKIError) {
            do { return try certificate.serializeAsPEM().pemString + "\n" } catch {
                throw PKIError(.failed, "the certificate can't be encoded: \(error)")
            }
        }
    }

    /// The key as PEM, PKCS #8 (RFC 5958), not encrypted.
    public var keyPEM: String {
        get throws(PKIError) {
            do { return try key.serializeAsPEM().pemString + "\n" } catch {
                throw PKIError(.failed, "the key can't be encoded: \(error)")
            }
        }
    }
}

/// From when until when a certificate is valid.
public struct Validity: Hashable, Sendable {
    public var from: Date
    public var until: Date

    /// Clocks may differ by this much (T13), in seconds: a certificate is valid somewhat before it was made.
    public static let backdating: TimeInterval = 3600

    /// - Parameter days: from `now` on.
    public init(days: Int, from now: Date) {
        // Certificates know whole seconds.
        let start = Date(timeIntervalSince1970: now.timeIntervalSince1970.rounded(.up))
        from = start.addingTimeInterval(-Self.backdating)
        until = start.addingTimeInterval(Double(days) * 86400)
    }

    public init(from: Date, until: Date) {
        self.from = from
        self.until = until
    }
}

import Crypto
import Foundation
import NetworkTypes
import X509

/// A certificate for people and scripts.
public struct CertificateSummary: Hashable, Sendable, Codable {
    /// Where it is.
    public var file: String
    /// The distinguished name (RFC 4514).
    public var subject: String
    /// `access-router` and others, or `authority`; `nil` where it carries none.
    public var role: String?
    /// The name that configurations know the holder by.
    public var name: String?
    public var addresses: [IPAddress]
    /// ISO 8601, UTC.
    public var validFrom: String
    /// ISO 8601, UTC.
    public var validUntil: String
    /// Whole days until then; negative once it has ended.
    public var daysLeft: Int
    /// SHA-256 of its encoding, as `openssl x509 -fingerprint -sha256` writes it.
    public var fingerprint: String
    /// Hexadecimal digits.
    public var serial: String

    public init(_ certificate: Certificate, file: String, at now: Date = .now) {
        self.file = file
        subject = certificate.subject.description
        if let identity = try? CertifiedIdentity(of: certificate) {
            role = identity.role.rawValue
            name = identity.name
            addresses = identity.addresses
        } else {
            role = (try? CertificateAuthority.checkIsAuthority(certificate)) == nil ? nil : "authority"
            addresses = []
        }
        validFrom = certificate.notValidBefore.formatted(.iso8601)
        validUntil = certificate.notValidAfter.formatted(.iso8601)
        daysLeft = certificate.daysLeft(at: now)
        fingerprint = SHA256.hash(data: certificate.encoding).map { hex($0) }.joined(separator: ":").uppercased()
        serial = certificate.serialNumber.bytes.map { hex($0) }.joined()
    }
}

private func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

extension Certificate {
    /// DER (X.690).
    var encoding: [UInt8] {
        // What was parsed or signed can be written.
        (try? serializeAsPEM().derBytes) ?? []
    }

    func daysLeft(at now: Date) -> Int { Int((notValidAfter.timeIntervalSince(now) / 86400).rounded(.down)) }
}

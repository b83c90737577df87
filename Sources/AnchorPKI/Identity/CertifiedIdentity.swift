import NetworkTypes
import SwiftASN1
import X509

/// Who the holder of a certificate is.
///
/// Role and name are one URI of the subject alternative names (RFC 5280, section 4.2.1.6):
/// `flowanchor://access-router/ar1`. The addresses are its IP addresses there. The subject's common name repeats the
/// name for people and is not looked at.
public struct CertifiedIdentity: Hashable, Sendable {
    public var role: CertifiedRole
    /// 1 to 63 letters, digits, `-`, `_` or `.`, the first a letter or a digit.
    public var name: String
    /// The holder's tunnel endpoints and addresses that its neighbours reach it at.
    public var addresses: [IPAddress]

    /// - Throws: for a name that is none, and for addresses that no router can be reached at.
    public init(role: CertifiedRole, name: String, addresses: [IPAddress]) throws(PKIError) {
        guard Self.isName(name) else {
            throw PKIError(.invalid, "'\(name)' is not a name", nextStep: "use \(Self.nameRule)")
        }
        for address in addresses where address.isUnspecified || address.isMulticast {
            throw PKIError(.invalid, "\(address) is no address of a router")
        }
        self.role = role
        self.name = name
        self.addresses = addresses
    }

    public static let nameRule = "1 to 63 letters, digits, '-', '_' or '.', the first a letter or a digit"

    public static func isName(_ text: String) -> Bool {
        guard (1...63).contains(text.utf8.count), let first = text.utf8.first, first.isLetterOrDigit else {
            return false
        }
        return text.utf8.allSatisfy { $0.isLetterOrDigit || "-_.".utf8.contains($0) }
    }
}

extension CertifiedIdentity {
    private static let scheme = "flowanchor://"

    var uri: String { "\(Self.scheme)\(role.rawValue)/\(name)" }

    var alternativeNames: SubjectAlternativeNames {
        SubjectAlternativeNames(
            [.uniformResourceIdentifier(uri)]
                + addresses.map { .ipAddress(ASN1OctetString(contentBytes: ArraySlice($0.bytes))) })
    }

    /// The identity that a certificate carries, whoever has signed it.
    /// - Throws: where there is none, more than one, or one that can't be.
    public init(of certificate: Certificate) throws(PKIError) {
        guard let names = try? certificate.extensions.subjectAlternativeNames else {
            throw PKIError(.invalid, "the certificate has no subject alternative names")
        }
        var uris: [String] = []
        var addresses: [IPAddress] = []
        for name in names {
            switch name {
            case .uniformResourceIdentifier(let uri) where uri.hasPrefix(Self.scheme): uris.append(uri)
            case .ipAddress(let octets):
                guard let address = IPAddress(bytes: octets.bytes) else {
                    throw PKIError(.invalid, "the certificate has an address of \(octets.bytes.count) bytes")
                }
                addresses.append(address)
            default: break
            }
        }
        guard uris.count == 1 else {
            throw PKIError(
                .invalid, "the certificate has \(uris.count) names of the form flowanchor://ROLE/NAME; it must have one"
            )
        }
        let parts = uris[0].dropFirst(Self.scheme.count).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let role = CertifiedRole(rawValue: String(parts[0])) else {
            throw PKIError(.invalid, "the certificate's '\(uris[0].prefix(200))' names no role and name")
        }
        try self.init(role: role, name: String(parts[1]), addresses: addresses)
    }
}

extension UInt8 {
    fileprivate var isLetterOrDigit: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }
}

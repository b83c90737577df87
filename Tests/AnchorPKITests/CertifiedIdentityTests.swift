import AnchorPKI
import Crypto
import Foundation
import NetworkTypes
import SwiftASN1
import Testing
import X509

@Suite struct CertifiedIdentityTests {
    @Test(arguments: ["ar1", "A", "router-7.example_net", String(repeating: "x", count: 63)])
    func `a name of letters, digits, hyphens, underscores and dots is one`(name: String) {
        #expect(CertifiedIdentity.isName(name))
    }

    @Test(arguments: ["", "-a", ".a", "a b", "a/b", "ä", "..", "a\n", String(repeating: "x", count: 64)])
    func `what could be a path, an option or more than one line is no name`(name: String) {
        #expect(!CertifiedIdentity.isName(name))
        #expect(throws: PKIError.self) { try CertifiedIdentity(role: .accessRouter, name: name, addresses: []) }
    }

    @Test(arguments: ["0.0.0.0", "::", "224.0.0.1", "ff02::1"])
    func `an address that no router can have is refused`(address: String) {
        #expect(throws: PKIError.self) { try CertifiedIdentity.router("ar1", address) }
    }

    @Test func `a certificate carries what it was issued for`() throws {
        let authority = try CertificateAuthority(name: "A", validity: Validity(days: 10, from: .now))
        for role in CertifiedRole.allCases {
            let identity = try CertifiedIdentity(
                role: role, name: "n1", addresses: [IPAddress("192.0.2.1")!, IPAddress("2001:db8::1")!])
            let issued = try authority.issue(identity, validity: Validity(days: 1, from: .now))
            #expect(try CertifiedIdentity(of: issued.certificate) == identity)
        }
    }

    /// Of a certificate with any alternative names, signed by nobody who is trusted.
    private func refused(_ names: [GeneralName]) throws -> String? {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let subject = try DistinguishedName { CommonName("x") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key.publicKey, notValidBefore: .now, notValidAfter: .now,
            issuer: subject, subject: subject, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions { SubjectAlternativeNames(names) }, issuerPrivateKey: key)
        do throws(PKIError) {
            _ = try CertifiedIdentity(of: certificate)
            return nil
        } catch {
            return error.detail
        }
    }

    @Test func `none, two and strange identities are refused with what is wrong`() throws {
        let good = GeneralName.uniformResourceIdentifier("flowanchor://access-router/ar1")
        #expect(try refused([good]) == nil)
        #expect(try refused([good, .uniformResourceIdentifier("https://example.net/")]) == nil)
        #expect(try refused([.dnsName("ar1")])?.contains("has 0 names") == true)
        #expect(try refused([good, good])?.contains("has 2 names") == true)
        for uri in ["access-router", "access-router/", "access-router/a/b", "king/ar1", "/ar1", "access-router/%41"] {
            #expect(try refused([.uniformResourceIdentifier("flowanchor://" + uri)]) != nil, "\(uri)")
        }
        let octets = ASN1OctetString(contentBytes: [1, 2, 3])
        #expect(try refused([good, .ipAddress(octets)]) == "the certificate has an address of 3 bytes")
    }
}

import AnchorPKI
import Crypto
import Foundation
import Testing
import X509

@Suite struct PinnedAuthorityTests {
    private let authority: CertificateAuthority
    private let pinned: PinnedAuthority
    private let identity: CertifiedIdentity

    init() throws {
        authority = try CertificateAuthority(name: "A", validity: Validity(days: 100, from: .now))
        pinned = try PinnedAuthority(authority.credential.certificate)
        identity = try .router("ar1", "192.0.2.1")
    }

    private func valid(_ from: Double, _ until: Double) -> Validity {
        Validity(from: .now.addingTimeInterval(from * 86400), until: .now.addingTimeInterval(until * 86400))
    }

    @Test func `a certificate of the authority is accepted for both ends of a connection`() async throws {
        let issued = try authority.issue(identity, validity: Validity(days: 1, from: .now))
        #expect(try await pinned.refusal(of: issued, purpose: .client) == nil)
        #expect(try await pinned.refusal(of: issued, purpose: .server) == nil)
    }

    @Test func `another authority is refused, also one of the same name`() async throws {
        let other = try CertificateAuthority(name: "A", validity: Validity(days: 100, from: .now))
        let issued = try other.issue(identity, validity: Validity(days: 1, from: .now))
        #expect(try await pinned.refusal(of: issued) == .untrusted)
        // Not even where it has ended: that is said of our own only.
        let ended = try other.issue(identity, validity: valid(-0.03, -0.01))
        #expect(try await pinned.refusal(of: ended) == .untrusted)
    }

    @Test func `what has ended and what has not begun is refused by its name`() async throws {
        #expect(try await pinned.refusal(of: authority.issue(identity, validity: valid(-0.03, -0.01))) == .expired)
        #expect(try await pinned.refusal(of: authority.issue(identity, validity: valid(1, 2))) == .notYetValid)
        let old = try CertificateAuthority(name: "A", validity: valid(-10, -1))
        let issued = try old.issue(identity, validity: valid(-9, 5))
        #expect(try await PinnedAuthority(old.credential.certificate).refusal(of: issued) == .expired)
    }

    @Test func `another role is refused`() async throws {
        let node = try CertifiedIdentity(role: .centralNode, name: "ar1", addresses: [])
        let issued = try authority.issue(node, validity: Validity(days: 1, from: .now))
        #expect(try await pinned.refusal(of: issued) == .wrongRole)
        #expect(try await pinned.refusal(of: issued, role: .centralNode) == nil)
    }

    @Test func `the authority itself is nobody who peers, and a router no authority`() async throws {
        #expect(try await pinned.refusal(of: authority.credential) == .untrusted)
        let router = try authority.issue(identity, validity: Validity(days: 1, from: .now))
        #expect(throws: PKIError.self) { try CertificateAuthority(router) }
        #expect(throws: PKIError.self) { try PinnedAuthority(router.certificate) }
    }

    /// Signed by the authority, with other extensions than it would give.
    private func signed(_ extensions: Certificate.Extensions) throws -> Credential {
        let key = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let now = Validity(days: 1, from: .now)
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: key.publicKey, notValidBefore: now.from,
            notValidAfter: now.until, issuer: authority.credential.certificate.subject,
            subject: try DistinguishedName { CommonName("ar1") }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: extensions, issuerPrivateKey: authority.credential.key)
        return try Credential(certificate: certificate, key: key)
    }

    @Test func `a certificate for one end is refused at the other`() async throws {
        let uri = GeneralName.uniformResourceIdentifier("flowanchor://access-router/ar1")
        let server = try signed(
            Certificate.Extensions {
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames([uri])
            })
        #expect(try await pinned.refusal(of: server, purpose: .server) == nil)
        #expect(try await pinned.refusal(of: server, purpose: .client) == .wrongPurpose)
        let neither = try signed(Certificate.Extensions { SubjectAlternativeNames([uri]) })
        #expect(try await pinned.refusal(of: neither) == .wrongPurpose)
    }

    @Test func `a certificate without a name, and what is no certificate, are refused`() async throws {
        let nameless = try signed(Certificate.Extensions { try ExtendedKeyUsage([.serverAuth, .clientAuth]) })
        #expect(try await pinned.refusal(of: nameless) == .noIdentity)
        var random = SystemRandomNumberGenerator()
        let good = try authority.issue(identity, validity: Validity(days: 1, from: .now)).certificate
        let encoding = try good.serializeAsPEM().derBytes
        for _ in 0..<500 {
            var bytes = encoding
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 1..<bytes.count, using: &random)) }
            guard bytes != encoding else { continue }
            await #expect(throws: CertificateRefusal.self, "\(bytes)") {
                try await pinned.identity(bytes, role: .accessRouter, purpose: .client)
            }
        }
    }

    @Test func `no certificate outlives its authority, and an ended authority issues none`() throws {
        let issued = try authority.issue(identity, validity: Validity(days: 1000, from: .now))
        #expect(issued.certificate.notValidAfter == authority.credential.certificate.notValidAfter)
        let old = try CertificateAuthority(name: "A", validity: valid(-10, -1))
        #expect(throws: PKIError.self) { try old.issue(identity, validity: Validity(days: 1, from: .now)) }
    }

    @Test func `serial numbers are random and keys fresh`() throws {
        let issued = try (0..<20).map { _ in try authority.issue(identity, validity: Validity(days: 1, from: .now)) }
        #expect(Set(issued.map(\.certificate.serialNumber)).count == 20)
        #expect(Set(issued.map(\.key.publicKey)).count == 20)
        #expect(issued.allSatisfy { $0.certificate.serialNumber.bytes.count == 16 })
    }
}

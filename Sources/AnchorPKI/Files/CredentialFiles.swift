import Foundation
import NetworkTypes
import X509

/// The three files of a router: its certificate, the key of that, and the authority's certificate.
public struct CredentialFiles: Hashable, Sendable {
    public var certificate: String
    public var key: String
    public var authority: String

    public init(certificate: String, key: String, authority: String) {
        self.certificate = certificate
        self.key = key
        self.authority = authority
    }

    /// One of the three, for messages.
    public enum Part: Hashable, Sendable, CaseIterable {
        case certificate, key, authority
    }

    /// What is wrong with the files, each with the file that it is about. Those that can't be read don't keep the others
    /// from being looked at.
    /// - Parameters:
    ///   - role: what the certificate must be for.
    ///   - endpoints: addresses that it must name.
    public func problems(
        role: CertifiedRole, endpoints: [IPAddress], at now: Date = .now
    ) -> [(part: Part, problem: PKIError)] {
        var problems: [(part: Part, problem: PKIError)] = []
        func attempt<Value>(_ part: Part, _ body: () throws(PKIError) -> Value) -> Value? {
            do throws(PKIError) { return try body() } catch {
                problems.append((part, error))
                return nil
            }
        }
        let leaf = attempt(.certificate) { () throws(PKIError) in try PEMFile.certificate(self.certificate) }
        let key = attempt(.key) { () throws(PKIError) in try PEMFile.key(self.key) }
        let authority = attempt(.authority) { () throws(PKIError) in
            try PinnedAuthority(file: self.authority)
        }
        if let leaf, let key {
            _ = attempt(.key) { () throws(PKIError) in
                guard leaf.publicKey != key.publicKey else { return }
                throw PKIError(
                    .invalid, "\(self.key) is not the key of \(certificate)",
                    nextStep: "copy both files from where the certificate was issued")
            }
        }
        guard let leaf else { return problems }
        let identity = attempt(.certificate) { () throws(PKIError) in
            do throws(PKIError) { return try CertifiedIdentity(of: leaf) } catch { throw error.about(certificate) }
        }
        if let authority {
            do throws(CertificateRefusal) { try authority.checkSigned(leaf, at: now) } catch {
                problems.append((.certificate, describe(error, leaf, authority.certificate, identity?.name)))
            }
        }
        guard let identity else { return problems }
        if identity.role != role {
            problems.append(
                (
                    .certificate,
                    PKIError(
                        .invalid, "\(certificate) is that of \(identity.role.rawValue) '\(identity.name)'",
                        nextStep: "issue one with 'anchorctl pki issue NAME --role \(role.rawValue)'")
                ))
        }
        let missing = endpoints.filter { !identity.addresses.contains($0) }
        if !missing.isEmpty {
            let options = endpoints.map { "--address \($0)" }.joined(separator: " ")
            problems.append(
                (
                    .certificate,
                    PKIError(
                        .invalid,
                        "\(certificate) does not name \(missing.map(\.description).joined(separator: " and "))",
                        nextStep: "issue it with 'anchorctl pki issue \(identity.name) \(options) --force'")
                ))
        }
        return problems
    }

    /// Who the certificate says that this router is; `nil` where it can't be read.
    public var identity: CertifiedIdentity? {
        guard let leaf = try? PEMFile.certificate(certificate) else { return nil }
        return try? CertifiedIdentity(of: leaf)
    }

    /// Reads what fits together.
    /// - Throws: the first of the ``problems(role:endpoints:at:)``.
    public func load(role: CertifiedRole, at now: Date = .now) throws(PKIError) -> LoadedCredential {
        if let first = problems(role: role, endpoints: [], at: now).first { throw first.problem }
        let leaf = try PEMFile.certificate(certificate)
        return LoadedCredential(
            credential: try Credential(certificate: leaf, key: try PEMFile.key(key)),
            authority: try PinnedAuthority(file: authority),
            identity: try CertifiedIdentity(of: leaf))
    }

    private func describe(
        _ refusal: CertificateRefusal, _ leaf: Certificate, _ authority: Certificate, _ name: String?
    ) -> PKIError {
        let name = name ?? "NAME"
        let isAuthority = refusal == .expired ? authority.notValidAfter < leaf.notValidAfter : false
        switch refusal {
        case .expired where isAuthority:
            return PKIError(
                .invalid,
                "the authority \(self.authority) has expired on \(authority.notValidAfter.formatted(.iso8601))",
                nextStep: "make another with 'anchorctl pki init --force', and issue all certificates anew")
        case .expired:
            return PKIError(
                .invalid, "\(certificate) has expired on \(leaf.notValidAfter.formatted(.iso8601))",
                nextStep: "make a new one with 'anchorctl pki renew \(name)'")
        case .notYetValid:
            return PKIError(
                .invalid, "\(certificate) is not valid before \(leaf.notValidBefore.formatted(.iso8601))",
                nextStep: "look at this machine's clock: it is \(Date.now.formatted(.iso8601)) here")
        case .unreadable, .untrusted, .wrongPurpose, .noIdentity, .wrongRole:
            return PKIError(
                .invalid, "\(certificate) is not issued by the authority of \(self.authority)",
                nextStep: "copy ca.crt from where the certificate was issued")
        }
    }
}

/// A router's credential and whom it trusts.
public struct LoadedCredential: Sendable {
    public let credential: Credential
    public let authority: PinnedAuthority
    public let identity: CertifiedIdentity

    /// When the certificate ends, or before it the authority's.
    public var validUntil: Date {
        min(credential.certificate.notValidAfter, authority.certificate.notValidAfter)
    }
    /// The authority's certificate in DER (X.690).
    public var authorityDER: [UInt8] { authority.certificate.encoding }
}

import Foundation
import X509

/// A folder with an authority and the certificates that it has issued: `ca.crt` and `ca.key`, and a `NAME.crt` and
/// `NAME.key` for each router. A router needs its own two and `ca.crt`; `ca.key` stays where certificates are made.
public struct CredentialFolder: Sendable {
    public static let standardPath = "/etc/flowanchor/pki"

    public let path: String

    public init(_ path: String = Self.standardPath) { self.path = path }

    public var authorityFile: String { certificateFile("ca") }
    public func certificateFile(_ name: String) -> String { "\(path)/\(name).crt" }
    public func keyFile(_ name: String) -> String { "\(path)/\(name).key" }

    /// Makes an authority, and the folder where there is none.
    /// - Parameter replacing: false to refuse where there is one. A new one makes worthless what the old one has issued.
    public func makeAuthority(
        name: String, days: Int = CertificateAuthority.validityInDays, replacing: Bool = false, at now: Date = .now
    ) throws(PKIError) -> CertificateSummary {
        try Self.checkDays(days)
        let authority = try CertificateAuthority(name: name, validity: Validity(days: days, from: now))
        do {
            try FileManager.default.createDirectory(
                atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        } catch {
            throw PKIError(.notPermitted, "can't make the folder \(path): \(error.localizedDescription)")
        }
        try store(authority.credential, "ca", replacing: replacing)
        return CertificateSummary(authority.credential.certificate, file: authorityFile, at: now)
    }

    /// Issues a certificate with a fresh key.
    /// - Parameter replacing: false to refuse where that name has one.
    public func issue(
        _ identity: CertifiedIdentity, days: Int = CertificateAuthority.routerValidityInDays, replacing: Bool = false,
        at now: Date = .now
    ) throws(PKIError) -> CertificateSummary {
        try Self.checkDays(days)
        guard identity.name != "ca" else {
            throw PKIError(.invalid, "'ca' is the name of the authority's files", nextStep: "choose another name")
        }
        let credential = try authority().issue(identity, validity: Validity(days: days, from: now))
        try store(credential, identity.name, replacing: replacing)
        return CertificateSummary(credential.certificate, file: certificateFile(identity.name), at: now)
    }

    /// Issues anew what a name has: the same role, name and addresses, a fresh key and serial number. Cut off at any
    /// moment, it can be done again: all that it keeps is in the certificate, which is replaced last.
    public func renew(
        _ name: String, days: Int = CertificateAuthority.routerValidityInDays, at now: Date = .now
    ) throws(PKIError) -> CertificateSummary {
        let file = certificateFile(name)
        guard CredentialFile.exists(file) else {
            throw PKIError(
                .notFound, "\(name) has no certificate: there is no \(file)",
                nextStep: "make one with 'anchorctl pki issue \(name) --address ADDRESS'")
        }
        let identity: CertifiedIdentity
        do throws(PKIError) { identity = try CertifiedIdentity(of: try PEMFile.certificate(file)) } catch {
            throw PKIError(error.kind, "\(file) can't be renewed: \(error.detail)", nextStep: error.nextStep)
        }
        guard identity.name == name else {
            throw PKIError(
                .invalid, "\(file) is the certificate of '\(identity.name)'",
                nextStep: "rename its two files to \(identity.name).crt and \(identity.name).key")
        }
        return try issue(identity, days: days, replacing: true, at: now)
    }

    /// All certificates of the folder, the authority's first.
    public func certificates() throws(PKIError) -> [CertificateSummary] {
        guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            throw PKIError(
                .notFound, "can't list the folder \(path)",
                nextStep: "make it and an authority with 'anchorctl pki init', or name it with --folder")
        }
        var summaries: [CertificateSummary] = []
        let files = names.filter { $0.hasSuffix(".crt") }.sorted()
        for file in files.filter({ $0 == "ca.crt" }) + files.filter({ $0 != "ca.crt" }) {
            summaries.append(try Self.summary(of: "\(path)/\(file)"))
        }
        return summaries
    }

    public static func summary(of file: String) throws(PKIError) -> CertificateSummary {
        CertificateSummary(try PEMFile.certificate(file), file: file)
    }

    private func authority() throws(PKIError) -> CertificateAuthority {
        let files = (authorityFile, keyFile("ca"))
        for file in [files.0, files.1] where !CredentialFile.exists(file) {
            throw PKIError(
                .notFound, "there is no authority in \(path): \(file) is missing",
                nextStep: "make one with 'anchorctl pki init', or name its folder with --folder")
        }
        do throws(PKIError) {
            let (certificate, key) = (try PEMFile.certificate(files.0), try PEMFile.key(files.1))
            return try CertificateAuthority(try Credential(certificate: certificate, key: key))
        } catch {
            throw PKIError(
                error.kind, "the authority in \(path) can't be used: \(error.detail)", nextStep: error.nextStep)
        }
    }

    /// Key first: a certificate whose key is lost is of no use, while the other way round it can be issued again.
    private func store(_ credential: Credential, _ name: String, replacing: Bool) throws(PKIError) {
        let (key, certificate) = (try credential.keyPEM, try credential.certificatePEM)
        if !replacing {
            // Both looked for first, so that none of them is left alone.
            for file in [certificateFile(name), keyFile(name)] where CredentialFile.exists(file) {
                throw PKIError(
                    .exists, "\(file) is there already",
                    nextStep: name == "ca"
                        ? "keep it, or replace it with --force: all certificates must be issued anew then"
                        : "'anchorctl pki renew \(name)' makes a new key and keeps the addresses; --force replaces it")
            }
        }
        try CredentialFile.write(key, to: keyFile(name), .secret, replacing: replacing)
        try CredentialFile.write(certificate, to: certificateFile(name), .open, replacing: replacing)
    }

    /// A hundred years; dates of certificates end with the year 9999.
    private static func checkDays(_ days: Int) throws(PKIError) {
        guard (1...36500).contains(days) else { throw PKIError(.invalid, "\(days) days are out of range, 1 to 36500") }
    }
}

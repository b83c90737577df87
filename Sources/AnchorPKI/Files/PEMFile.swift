import X509

/// Certificates and keys in PEM files (RFC 7468).
enum PEMFile {
    /// The only certificate of a file.
    static func certificate(_ path: String) throws(PKIError) -> Certificate {
        let text = try CredentialFile.read(path)
        guard !text.contains("PRIVATE KEY-----") || text.contains("BEGIN CERTIFICATE-----") else {
            throw PKIError(.invalid, "\(path) holds a key, not a certificate")
        }
        do { return try Certificate(pemEncoded: text) } catch {
            throw PKIError(.invalid, "\(path) holds no certificate in PEM form: \(error)")
        }
    }

    static func key(_ path: String) throws(PKIError) -> Certificate.PrivateKey {
        let text = try CredentialFile.read(path)
        do { return try Certificate.PrivateKey(pemEncoded: text) } catch {
            // The error may repeat what was read, which nobody shall see.
            throw PKIError(.invalid, "\(path) holds no private key in PEM form (PKCS #8, not encrypted)")
        }
    }
}

extension PinnedAuthority {
    init(file: String) throws(PKIError) {
        let certificate = try PEMFile.certificate(file)
        do throws(PKIError) { try self.init(certificate) } catch { throw error.about(file) }
    }
}

extension PKIError {
    /// With the file that it is about in front.
    func about(_ file: String) -> PKIError { PKIError(kind, "\(file): \(detail)", nextStep: nextStep) }
}

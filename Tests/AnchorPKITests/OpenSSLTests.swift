import AnchorPKI
import Foundation
import Testing

private let openssl = ["/usr/bin/openssl", "/usr/local/bin/openssl"].first(where: FileManager.default.isExecutableFile)

/// What an implementation that shares no code with ours says of the certificates.
@Suite(.enabled(if: openssl != nil, "there is no openssl on this machine"))
struct OpenSSLTests {
    private let temporary: TemporaryFolder
    private let folder: CredentialFolder

    init() throws {
        temporary = try TemporaryFolder()
        folder = CredentialFolder(temporary.path)
        _ = try folder.makeAuthority(name: "Authority of tests")
        _ = try folder.issue(.router("ar1", "192.0.2.1", "2001:db8::1"))
    }

    private func run(_ arguments: String...) throws -> (status: Int32, text: String) {
        let process = Process()
        process.executableURL = URL(filePath: openssl!)
        process.arguments = arguments
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, text)
    }

    @Test(arguments: ["sslserver", "sslclient"])
    func `a strict verification takes the certificate, for both ends`(purpose: String) throws {
        let result = try run(
            "verify", "-x509_strict", "-purpose", purpose, "-CAfile", folder.authorityFile,
            folder.certificateFile("ar1"))
        #expect(result.status == 0, "\(result.text)")
    }

    @Test func `another authority's is refused`() throws {
        _ = try folder.makeAuthority(name: "Authority of tests", replacing: true)
        let result = try run("verify", "-CAfile", folder.authorityFile, folder.certificateFile("ar1"))
        #expect(result.status != 0)
    }

    @Test func `it reads the names, the usages and the curve`() throws {
        let text = try run("x509", "-in", folder.certificateFile("ar1"), "-noout", "-text").text
        for expected in [
            "URI:flowanchor://access-router/ar1", "IP Address:192.0.2.1", "IP Address:2001:DB8:0:0:0:0:0:1",
            "TLS Web Server Authentication, TLS Web Client Authentication", "CA:FALSE", "NIST CURVE: P-256",
            "Digital Signature",
        ] {
            #expect(text.contains(expected), "\(expected) in \(text)")
        }
        let authority = try run("x509", "-in", folder.authorityFile, "-noout", "-text").text
        #expect(authority.contains("CA:TRUE, pathlen:0") && authority.contains("Certificate Sign, CRL Sign"))
    }

    @Test func `it finds the key to be the certificate's, and the same fingerprint and serial number`() throws {
        let certificate = folder.certificateFile("ar1")
        let own = try run("x509", "-in", certificate, "-noout", "-pubkey")
        #expect(try run("pkey", "-in", folder.keyFile("ar1"), "-pubout").text == own.text)
        let summary = try CredentialFolder.summary(of: certificate)
        let fingerprint = try run("x509", "-in", certificate, "-noout", "-fingerprint", "-sha256").text
        #expect(fingerprint.contains("=\(summary.fingerprint)\n"), "\(fingerprint)")
        let serial = try run("x509", "-in", certificate, "-noout", "-serial").text
        #expect(serial.lowercased().trimmingCharacters(in: .newlines) == "serial=\(summary.serial)")
        #expect(try run("x509", "-in", certificate, "-noout", "-checkend", "\(364 * 86400)").status == 0)
        #expect(try run("x509", "-in", certificate, "-noout", "-checkend", "\(366 * 86400)").status == 1)
    }
}

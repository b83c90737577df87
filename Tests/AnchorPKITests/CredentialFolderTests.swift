import AnchorPKI
import Foundation
import NetworkTypes
import Testing

@Suite struct CredentialFolderTests {
    private let temporary: TemporaryFolder
    private let folder: CredentialFolder

    init() throws {
        temporary = try TemporaryFolder()
        folder = CredentialFolder(temporary.path)
    }

    private func error(_ body: () throws(PKIError) -> Void) -> PKIError? {
        do throws(PKIError) {
            try body()
            return nil
        } catch {
            return error
        }
    }

    @Test func `keys are their owner's alone, whatever the mask is`() throws {
        _ = try folder.makeAuthority(name: "A")
        _ = try folder.issue(.router("ar1", "192.0.2.1"))
        #expect(temporary.names == ["ar1.crt", "ar1.key", "ca.crt", "ca.key"])
        for name in ["ca.key", "ar1.key"] { #expect(try temporary.mode(name) == 0o600, "\(name)") }
        for name in ["ca.crt", "ar1.crt"] { #expect(try temporary.mode(name) == 0o644, "\(name)") }
    }

    @Test func `nothing that is there is overwritten unless it is asked for`() throws {
        _ = try folder.makeAuthority(name: "A")
        _ = try folder.issue(.router("ar1", "192.0.2.1"))
        let before = try temporary.names.map { try temporary.text($0) }
        let again = error { () throws(PKIError) in _ = try folder.makeAuthority(name: "B") }
        #expect(again?.kind == .exists && again?.nextStep?.contains("--force") == true)
        let router = try CertifiedIdentity.router("ar1", "192.0.2.9")
        let second = error { () throws(PKIError) in _ = try folder.issue(router) }
        #expect(second?.kind == .exists && second?.nextStep?.contains("pki renew ar1") == true)
        #expect(try temporary.names.map { try temporary.text($0) } == before)
        _ = try folder.issue(router, replacing: true)
        #expect(try CredentialFolder.summary(of: folder.certificateFile("ar1")).addresses == router.addresses)
    }

    @Test func `a key without its certificate is not overwritten either`() throws {
        _ = try folder.makeAuthority(name: "A")
        try temporary.write("precious", to: "ar1.key")
        let router = try CertifiedIdentity.router("ar1", "192.0.2.1")
        #expect(error { () throws(PKIError) in _ = try folder.issue(router) }?.kind == .exists)
        #expect(try temporary.text("ar1.key") == "precious")
        #expect(temporary.names == ["ar1.key", "ca.crt", "ca.key"])
    }

    @Test func `renewing keeps name, role and addresses, and changes key and serial number`() throws {
        _ = try folder.makeAuthority(name: "A")
        let first = try folder.issue(.router("ar1", "192.0.2.1", "2001:db8::1"), days: 10)
        let key = try temporary.text("ar1.key")
        let second = try folder.renew("ar1", days: 365)
        #expect(second.name == "ar1" && second.role == "access-router" && second.addresses == first.addresses)
        #expect(second.serial != first.serial && second.fingerprint != first.fingerprint)
        #expect(second.daysLeft == 365)
        #expect(try temporary.text("ar1.key") != key)
        #expect(try temporary.mode("ar1.key") == 0o600)
        #expect(temporary.names == ["ar1.crt", "ar1.key", "ca.crt", "ca.key"])
    }

    @Test func `a renewal that was cut off is completed by the next`() throws {
        _ = try folder.makeAuthority(name: "A")
        _ = try folder.issue(.router("ar1", "192.0.2.1"))
        // Key new, certificate old, and a part of a temporary file.
        let old = try temporary.text("ar1.crt")
        _ = try folder.renew("ar1")
        try temporary.write(old, to: "ar1.crt")
        try temporary.write("-----BEGIN", to: "ar1.crt.new")
        let files = CredentialFiles(
            certificate: folder.certificateFile("ar1"), key: folder.keyFile("ar1"), authority: folder.authorityFile)
        #expect(files.problems(role: .accessRouter, endpoints: []).map(\.part) == [.key])
        _ = try folder.renew("ar1")
        #expect(files.problems(role: .accessRouter, endpoints: []).isEmpty)
        #expect(temporary.names == ["ar1.crt", "ar1.key", "ca.crt", "ca.key"])
    }

    @Test func `what is missing is named with what to do`() throws {
        let router = try CertifiedIdentity.router("ar1", "192.0.2.1")
        let none = error { () throws(PKIError) in _ = try folder.issue(router) }
        #expect(none?.kind == .notFound && none?.nextStep?.contains("anchorctl pki init") == true)
        _ = try folder.makeAuthority(name: "A")
        let unknown = error { () throws(PKIError) in _ = try folder.renew("ar1") }
        #expect(unknown?.kind == .notFound && unknown?.nextStep?.contains("anchorctl pki issue ar1") == true)
        let elsewhere = CredentialFolder(temporary.path + "/none")
        #expect(error { () throws(PKIError) in _ = try elsewhere.certificates() }?.kind == .notFound)
    }

    @Test func `an authority whose files are damaged or not of one pair issues nothing`() throws {
        _ = try folder.makeAuthority(name: "A")
        let key = try temporary.text("ca.key")
        _ = try folder.makeAuthority(name: "A", replacing: true)
        let router = try CertifiedIdentity.router("ar1", "192.0.2.1")
        try temporary.write(key, to: "ca.key")
        let mixed = error { () throws(PKIError) in _ = try folder.issue(router) }
        #expect(mixed?.detail.contains("the key is not that of the certificate") == true)
        for text in ["", "secret-text", key.replacing("A", with: "B"), String(repeating: "x", count: 70000)] {
            try temporary.write(text, to: "ca.key")
            let problem = error { () throws(PKIError) in _ = try folder.issue(router) }
            #expect(problem?.kind == .invalid && problem?.description.contains("secret-text") == false)
        }
        #expect(temporary.names == ["ca.crt", "ca.key"])
    }

    @Test func `the authority's own name, and days that are none, are refused`() throws {
        #expect(error { () throws(PKIError) in _ = try folder.makeAuthority(name: "A", days: 0) }?.kind == .invalid)
        _ = try folder.makeAuthority(name: "A")
        let router = try CertifiedIdentity.router("ca", "192.0.2.1")
        #expect(error { () throws(PKIError) in _ = try folder.issue(router, replacing: true) }?.kind == .invalid)
        #expect(try CredentialFolder.summary(of: folder.authorityFile).role == "authority")
    }

    @Test func `the list has the authority first`() throws {
        _ = try folder.makeAuthority(name: "A")
        for name in ["b2", "a1"] { _ = try folder.issue(.router(name, "192.0.2.1")) }
        #expect(
            try folder.certificates().map(\.file).map { ($0 as NSString).lastPathComponent }
                == ["ca.crt", "a1.crt", "b2.crt"])
    }
}

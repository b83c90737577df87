import AnchorPKI
import Foundation
import NetworkTypes
import Testing

@Suite struct CredentialFilesTests {
    private let temporary: TemporaryFolder
    private let folder: CredentialFolder
    private let files: CredentialFiles
    private let endpoint = IPAddress("192.0.2.1")!

    init() throws {
        temporary = try TemporaryFolder()
        folder = CredentialFolder(temporary.path)
        _ = try folder.makeAuthority(name: "A")
        _ = try folder.issue(.router("ar1", "192.0.2.1"))
        files = CredentialFiles(
            certificate: folder.certificateFile("ar1"), key: folder.keyFile("ar1"), authority: folder.authorityFile)
    }

    private func problems(endpoints: [IPAddress] = [], at now: Date = .now) -> [String] {
        files.problems(role: .accessRouter, endpoints: endpoints, at: now).map { "\($0.part): \($0.problem)" }
            .map { $0.replacing(temporary.path + "/", with: "") }
    }

    @Test func `files that fit together have no problems`() throws {
        #expect(problems(endpoints: [endpoint]) == [])
        #expect(try files.load(role: .accessRouter).identity.name == "ar1")
    }

    @Test func `each missing file is named, not only the first`() throws {
        for name in temporary.names { try FileManager.default.removeItem(atPath: "\(temporary.path)/\(name)") }
        #expect(
            problems() == [
                "certificate: can't open ar1.crt: No such file or directory",
                "key: can't open ar1.key: No such file or directory",
                "authority: can't open ca.crt: No such file or directory",
            ])
    }

    @Test func `a key of another certificate is named with what to do`() throws {
        _ = try folder.issue(.router("ar2", "192.0.2.2"))
        try temporary.write(try temporary.text("ar2.key"), to: "ar1.key")
        #expect(
            problems() == [
                "key: ar1.key is not the key of ar1.crt; copy both files from where the certificate was issued"
            ])
        #expect(throws: PKIError.self) { try files.load(role: .accessRouter) }
    }

    @Test func `a certificate that has ended, or has not begun, is named with its date`() throws {
        let late = problems(at: .now.addingTimeInterval(366 * 86400))
        #expect(late.count == 1 && late[0].contains("ar1.crt has expired on 20"))
        #expect(late[0].hasSuffix("anchorctl pki renew ar1'"))
        let muchLater = problems(at: .now.addingTimeInterval(3651 * 86400))
        #expect(muchLater.count == 1 && muchLater[0].contains("has expired on"))
        let early = problems(at: .now.addingTimeInterval(-7200))
        #expect(early.count == 1 && early[0].contains("is not valid before"))
    }

    @Test func `an authority that did not issue the certificate, and a certificate in its place, are named`() throws {
        let certificate = try temporary.text("ar1.crt")
        _ = try folder.makeAuthority(name: "A", replacing: true)
        #expect(
            problems() == [
                "certificate: ar1.crt is not issued by the authority of ca.crt; "
                    + "copy ca.crt from where the certificate was issued"
            ])
        try temporary.write(certificate, to: "ca.crt")
        #expect(problems() == ["authority: ca.crt: it is no certificate of an authority"])
        try temporary.write(try temporary.text("ar1.key"), to: "ca.crt")
        #expect(problems() == ["authority: ca.crt holds a key, not a certificate"])
    }

    @Test func `a certificate of another role is named`() throws {
        _ = try folder.issue(
            CertifiedIdentity(role: .centralNode, name: "c1", addresses: [endpoint]))
        for part in ["crt", "key"] { try temporary.write(try temporary.text("c1.\(part)"), to: "ar1.\(part)") }
        #expect(
            problems() == [
                "certificate: ar1.crt is that of central-node 'c1'; "
                    + "issue one with 'anchorctl pki issue NAME --role access-router'"
            ])
    }

    @Test func `endpoints that the certificate does not name are named with the command that issues one`() {
        #expect(
            problems(endpoints: [endpoint, IPAddress("2001:db8::1")!]) == [
                "certificate: ar1.crt does not name 2001:db8::1; issue it with 'anchorctl pki issue ar1 "
                    + "--address 192.0.2.1 --address 2001:db8::1 --force'"
            ])
    }
}

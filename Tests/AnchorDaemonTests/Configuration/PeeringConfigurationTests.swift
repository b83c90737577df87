import AnchorPKI
import Foundation
import NetworkTypes
import Testing

@testable import AnchorDaemon

/// `[peering]` and `[[peer]]`, with real certificate files.
@Suite struct PeeringConfigurationTests {
    private let folder: CredentialFolder
    private let router = """
        [access-router]
        endpoints = ["192.0.2.1", "2001:db8:1::1"]
        core-interfaces = ["core0"]
        [[access-router.access]]
        interface = "acc0"
        gateway = "10.1.0.1/24"
        pools = "10.1.0.0/24"

        """
    private let peering = """
        [peering]
        certificate-file = "ar1.crt"
        key-file = "ar1.key"
        ca-file = "ca.crt"
        [[peer]]
        name = "ar2"
        address = "192.0.2.2"

        """

    init() throws {
        folder = CredentialFolder(
            FileManager.default.temporaryDirectory.appending(path: "fa-config-\(UUID().uuidString.prefix(8))").path)
        _ = try folder.makeAuthority(name: "A")
        try issue("ar1", "192.0.2.1", "2001:db8:1::1")
    }

    private func issue(_ name: String, _ addresses: String...) throws {
        _ = try folder.issue(
            CertifiedIdentity(role: .accessRouter, name: name, addresses: addresses.map { IPAddress($0)! }))
    }

    private func read(_ text: String) throws(ConfigurationError) -> DaemonConfiguration {
        try DaemonConfiguration(text: text, file: folder.path + "/anchord.toml")
    }

    /// Of a file with this in place of that in its peering.
    private func problems(_ old: String = "", _ new: String = "", adding more: String = "") -> [String] {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        do throws(ConfigurationError) {
            _ = try read(router + (old.isEmpty ? peering : peering.replacing(old, with: new)) + more)
            return []
        } catch {
            return error.problems.map { $0.description.replacing(folder.path + "/", with: "") }
        }
    }

    @Test func `it is read with its defaults, files beside the configuration`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        let settings = try #require(try read(router + peering).peering)
        #expect(settings.listen.map(\.description) == ["192.0.2.1", "2001:db8:1::1"] && settings.port == 4346)
        #expect(settings.files.certificate == folder.certificateFile("ar1") && settings.keepAlive == 5)
        #expect(settings.peers.map(\.name) == ["ar2"] && settings.peers[0].port == 4346)
    }

    @Test func `a router without it has none`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        #expect(try read(router).peering == nil)
    }

    @Test func `files that are missing are named, each on its line`() {
        #expect(
            problems("ar1.", "none.") == [
                "line 9: peering.certificate-file: can't open none.crt: No such file or directory",
                "line 10: peering.key-file: can't open none.key: No such file or directory",
            ])
    }

    @Test func `a file that is not named at all is`() {
        #expect(
            problems("key-file = \"ar1.key\"\n", "")
                == ["line 8: peering: key-file is missing: the key of this router's certificate"])
    }

    @Test func `a key of another certificate is named`() throws {
        try issue("ar9", "192.0.2.9")
        #expect(
            problems("ar1.key", "ar9.key") == [
                "line 10: peering.key-file: ar9.key is not the key of ar1.crt; "
                    + "copy both files from where the certificate was issued"
            ])
    }

    @Test func `a certificate that has ended is named with the command that makes a new one`() throws {
        let old = try CertificateAuthority(
            name: "A", validity: Validity(from: .now.addingTimeInterval(-9e5), until: .now.addingTimeInterval(9e5)))
        let issued = try old.issue(
            CertifiedIdentity(
                role: .accessRouter, name: "ar1", addresses: [IPAddress("192.0.2.1")!, IPAddress("2001:db8:1::1")!]),
            validity: Validity(from: .now.addingTimeInterval(-8e5), until: .now.addingTimeInterval(-100)))
        for (text, file) in [
            (try issued.certificatePEM, folder.certificateFile("ar1")), (try issued.keyPEM, folder.keyFile("ar1")),
            (try old.credential.certificatePEM, folder.authorityFile),
        ] {
            try text.write(toFile: file, atomically: true, encoding: .utf8)
        }
        let found = problems()
        #expect(found.count == 1 && found[0].hasPrefix("line 9: peering.certificate-file: ar1.crt has expired on 20"))
        #expect(found.first?.hasSuffix("'anchorctl pki renew ar1'") == true)
    }

    @Test func `a certificate of another authority, and one without an endpoint, are named`() throws {
        try issue("ar8", "192.0.2.1")
        #expect(
            problems("ar1.", "ar8.").first?.hasPrefix("line 9: peering.certificate-file: ar8.crt does not name 2001")
                == true)
    }

    @Test func `peers that can't be are named on their lines`() {
        let more = """
            [[peer]]
            name = "ar2"
            address = "192.0.2.3"
            [[peer]]
            name = "ar1"
            address = "192.0.2.4"
            [[peer]]
            name = "a/b"
            address = "192.0.2.2"
            [[peer]]
            name = "ar5"
            address = "192.0.2.1"
            [[peer]]
            nam = "ar6"
            address = "224.0.0.1"
            """
        #expect(
            problems(adding: more) == [
                "line 16: peer[1].name: a second peer 'ar2'",
                "line 19: peer[2].name: 'ar1' is this router itself, says its certificate",
                "line 22: peer[3].name: \"a/b\" is not a name: \(CertifiedIdentity.nameRule)",
                "line 23: peer[3].address: 192.0.2.2 port 4346 is that of 'ar2' already",
                "line 26: peer[4].address: 192.0.2.1 port 4346 is where this router listens itself",
                "line 27: peer[5]: name is missing: as in the neighbour's certificate",
                "line 28: peer[5].nam: unknown key; did you mean 'name'?",
                "line 29: peer[5].address: 224.0.0.1 is no address of a router",
            ])
    }

    @Test func `peers without peering, and peering without a router, are named`() {
        defer { try? FileManager.default.removeItem(atPath: folder.path) }
        func first(_ text: String) -> [String] {
            do throws(ConfigurationError) {
                _ = try read(text)
                return []
            } catch {
                return error.problems.map(\.message)
            }
        }
        let peer = "[[peer]]\nname = \"ar2\"\naddress = \"192.0.2.2\"\n"
        #expect(first(router + peer).contains { $0.contains("peers need a table [peering]") })
        #expect(first(peering).contains { $0.contains("only an access router has neighbours") })
    }

    @Test func `there are no more neighbours than the tables have places for`() {
        let peers = (1...33).map { "[[peer]]\nname = \"p\($0)\"\naddress = \"203.0.113.\($0)\"\n" }.joined()
        let found = problems(adding: peers)
        #expect(found.contains { $0.contains("peers; at most 32 are possible") }, "\(found)")
    }
}

import AnchorPKI
import Foundation
import NetworkTypes

/// A folder that goes away with its test.
final class TemporaryFolder {
    let path = FileManager.default.temporaryDirectory.appending(path: "fa-pki-\(UUID().uuidString.prefix(8))").path

    init() throws { try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    var names: [String] { ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).sorted() }

    func text(_ name: String) throws -> String { try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8) }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(path)/\(name)", atomically: false, encoding: .utf8)
    }

    func mode(_ name: String) throws -> Int? {
        try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")[.posixPermissions] as? Int
    }
}

extension CertifiedIdentity {
    static func router(_ name: String, _ addresses: String...) throws -> CertifiedIdentity {
        try CertifiedIdentity(role: .accessRouter, name: name, addresses: addresses.map { IPAddress($0)! })
    }
}

extension PinnedAuthority {
    /// What becomes of a certificate; `nil` for accepted.
    func refusal(
        of credential: Credential, role: CertifiedRole = .accessRouter, purpose: Purpose = .client
    ) async throws -> CertificateRefusal? {
        let der = try credential.certificate.serializeAsPEM().derBytes
        do throws(CertificateRefusal) {
            _ = try await identity(der, role: role, purpose: purpose)
            return nil
        } catch {
            return error
        }
    }
}

import AnchorPKI
import ControlAPI
import Foundation
import NetworkTypes

/// Authorities and certificates of a lab's routers.
extension Lab {
    /// The authority that all of them trust.
    var credentials: CredentialFolder { CredentialFolder(identity.folder + "/pki") }
    /// One that none of them trusts.
    var otherCredentials: CredentialFolder { CredentialFolder(identity.folder + "/other-pki") }

    /// Makes the authority, and a certificate for each router.
    func issueCertificates() throws {
        guard !FileManager.default.fileExists(atPath: credentials.authorityFile) else { return }
        _ = try credentials.makeAuthority(name: "Lab \(identity)")
        for router in 1...plan.routers { try issue("ar\(router)", for: router, by: credentials) }
    }

    /// A certificate of that name with the addresses of a router.
    func issue(_ name: String, for router: Int, by folder: CredentialFolder) throws {
        let addresses = AddressFamily.allCases.map { AddressPlan.endpoint(router, $0) }
        _ = try folder.issue(CertifiedIdentity(role: .accessRouter, name: name, addresses: addresses))
    }

    /// Neighbours of a router, by name.
    func peers(of router: Int) throws -> [String: PeerModel] {
        let peers = try JSONDecoder().decode([PeerModel].self, from: try ask("ar\(router)", "/v1/peers"))
        return Dictionary(uniqueKeysWithValues: peers.map { ($0.name, $0) })
    }

    /// The value of a metric of a router; 0 where there is none. By its name and labels as they are printed.
    func metric(_ name: String, at router: Int) throws -> Double {
        let text = String(decoding: try ask("ar\(router)", "/metrics"), as: UTF8.self)
        let line = text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
        return line.flatMap { Double($0.dropFirst(name.count + 1)) } ?? 0
    }
}

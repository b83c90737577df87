import AnchorDaemon
import AnchorPKI
import Foundation

/// Checks of the files that peering uses. That they fit together, the configuration has found out.
struct CertificateChecks {
    private let files: CredentialFiles

    init?(_ configuration: DaemonConfiguration) {
        guard let peering = configuration.peering else { return nil }
        files = peering.files
    }

    var findings: [Finding] { [ownCertificate, authority, key].compactMap { $0 } }

    private var ownCertificate: Finding? { validity("certificate", files.certificate, warnedDays: 30) }

    /// Whatever it has issued must be issued anew before it ends, which takes longer.
    private var authority: Finding? { validity("authority", files.authority, warnedDays: 180) }

    private func validity(_ check: String, _ file: String, warnedDays: Int) -> Finding? {
        guard let summary = try? CredentialFolder.summary(of: file) else { return nil }
        let detail = "\(file) ends on \(summary.validUntil), in \(summary.daysLeft) days"
        guard summary.daysLeft < warnedDays else { return .passed(check, detail) }
        let mend = summary.name.map { "anchorctl pki renew \($0)" } ?? "anchorctl pki init --force, and issue all anew"
        return .warning(check, detail, mend: mend)
    }

    private var key: Finding? {
        guard let attributes = try? FileManager.default.attributesOfItem(atPath: files.key),
            let mode = attributes[.posixPermissions] as? Int
        else { return nil }
        guard mode & 0o077 != 0 else { return .passed("key of the certificate", "\(files.key) is its owner's alone") }
        return .failed(
            "key of the certificate", "\(files.key) can be used by others (mode \(String(mode, radix: 8)))",
            mend: "chmod 600 \(files.key), and 'anchorctl pki renew' if others had access")
    }
}

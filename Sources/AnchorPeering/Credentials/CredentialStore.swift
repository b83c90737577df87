import AnchorPKI
import Foundation
import Glibc
import NetworkTypes

/// The credential in use, and the files that it came from: when they change it follows, so that a renewal needs no
/// restart. What can't be used changes nothing.
struct CredentialStore {
    private let files: CredentialFiles
    private let endpoints: [IPAddress]
    private(set) var current: TLSCredential
    private var stamps: [FileStamp?]

    enum Change {
        case renewed(validUntil: Date)
        case refused(PKIError)
    }

    init(_ files: CredentialFiles, endpoints: [IPAddress]) throws {
        self.files = files
        self.endpoints = endpoints
        // First, so that a change while they are read is found afterwards.
        stamps = Self.stamps(of: files)
        if let first = files.problems(role: .accessRouter, endpoints: endpoints).first { throw first.problem }
        current = try TLSCredential(try files.load(role: .accessRouter))
    }

    /// Looks whether files have changed.
    /// - Returns: what came of it; `nil` where nothing has.
    mutating func refresh() -> Change? {
        let found = Self.stamps(of: files)
        guard found != stamps else { return nil }
        stamps = found
        do {
            if let first = files.problems(role: .accessRouter, endpoints: endpoints).first { throw first.problem }
            let loaded = try files.load(role: .accessRouter)
            guard loaded.identity.name == current.loaded.identity.name else {
                throw PKIError(
                    .invalid, "\(files.certificate) is the certificate of '\(loaded.identity.name)' now",
                    nextStep: "restart the daemon for another name")
            }
            current = try TLSCredential(loaded)
            return .renewed(validUntil: loaded.validUntil)
        } catch {
            return .refused(error as? PKIError ?? PKIError(.invalid, "\(error)"))
        }
    }

    private static func stamps(of files: CredentialFiles) -> [FileStamp?] {
        [files.certificate, files.key, files.authority].map { FileStamp($0) }
    }
}

/// What tells that a file is another one than before.
struct FileStamp: Equatable {
    private var inode: UInt64
    private var size: Int64
    private var seconds: Int
    private var nanoseconds: Int

    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        inode = UInt64(status.st_ino)
        size = Int64(status.st_size)
        (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
}

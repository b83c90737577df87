import AnchorPKI
import ArgumentParser
import ControlAPI
import Foundation
import NetworkTypes

/// Certificates for the sessions between routers, without any other tool.
struct PKICommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pki",
        abstract: "Make a certificate authority, and certificates for routers.",
        discussion: """
            In the folder are ca.crt and ca.key, and a NAME.crt and NAME.key for each router. A router needs its own two \
            and ca.crt. Keep ca.key where nobody else reads it: whoever has it can be any router.
            """,
        subcommands: [Init.self, Issue.self, Renew.self, Show.self])

    /// What all of them take.
    struct Place: ParsableArguments {
        @Option(help: "The folder of the authority.") var folder = CredentialFolder.standardPath
        @Option(name: .shortAndLong, help: "How to print: table, json or jsonl.") var output = OutputFormat.table

        /// Prints what `body` returns; says what is wrong on standard error.
        func run(_ body: (CredentialFolder) throws(PKIError) -> [CertificateSummary]) throws {
            do {
                try output.printBlocks(try body(CredentialFolder(folder)))
            } catch let error as PKIError {
                FileHandle.standardError.write(Data("anchorctl: \(error)\n".utf8))
                throw ExitCode(error.kind.exitCode)
            }
        }
    }

    struct Init: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Make a certificate authority.")
        @Option(help: "Its common name, for people.") var name = "FlowAnchor authority"
        @Option(help: "Days that it is valid.") var days = CertificateAuthority.validityInDays
        @Flag(help: "Replace one that is there; all that it has issued is worthless then.") var force = false
        @OptionGroup var place: Place

        func run() throws {
            try place.run { folder throws(PKIError) in
                [try folder.makeAuthority(name: name, days: days, replacing: force)]
            }
        }
    }

    struct Issue: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Issue a certificate with a fresh key.")
        @Argument(help: "The router's name; its neighbours' configurations know it by that.") var name: String
        @Option(help: "An address of it: tunnel endpoints, and where its neighbours reach it. May be repeated.")
        var address: [IPAddress] = []
        @Option(help: "What it is: access-router, home-agent or central-node.") var role = CertifiedRole.accessRouter
        @Option(help: "Days that it is valid.") var days = CertificateAuthority.routerValidityInDays
        @Flag(help: "Replace one that is there.") var force = false
        @OptionGroup var place: Place

        func validate() throws {
            guard !address.isEmpty else { throw ValidationError("at least one --address is needed") }
        }

        func run() throws {
            try place.run { folder throws(PKIError) in
                let identity = try CertifiedIdentity(role: role, name: name, addresses: address)
                return [try folder.issue(identity, days: days, replacing: force)]
            }
        }
    }

    struct Renew: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Issue a router's certificate anew, with the same name and addresses and a fresh key.",
            discussion: "Running daemons take changed files by themselves; their sessions go on.")
        @Argument(help: "The router's name.") var name: String
        @Option(help: "Days that it is valid.") var days = CertificateAuthority.routerValidityInDays
        @OptionGroup var place: Place

        func run() throws {
            try place.run { folder throws(PKIError) in [try folder.renew(name, days: days)] }
        }
    }

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print certificates: subject, role, addresses, validity, fingerprint.")
        @Argument(help: "Names in the folder, or files; all of the folder if none is named.") var names: [String] = []
        @OptionGroup var place: Place

        func run() throws {
            try place.run { folder throws(PKIError) in
                guard !names.isEmpty else { return try folder.certificates() }
                var summaries: [CertificateSummary] = []
                for name in names {
                    let isFile = name.contains("/") || name.hasSuffix(".crt") || name.hasSuffix(".pem")
                    summaries.append(
                        try CredentialFolder.summary(of: isFile ? name : folder.certificateFile(name)))
                }
                return summaries
            }
        }
    }
}

extension CertifiedRole: ExpressibleByArgument {}

extension PKIError.Kind {
    /// As of what a daemon refuses.
    var exitCode: Int32 {
        switch self {
        case .invalid: ControlError.Kind.invalid.exitCode
        case .notFound: ControlError.Kind.notFound.exitCode
        case .exists: ControlError.Kind.conflict.exitCode
        case .notPermitted: ControlError.Kind.forbidden.exitCode
        case .failed: ControlError.Kind.failure.exitCode
        }
    }
}

extension CertificateSummary: TableRow {
    static var columns: [String] {
        [
            "FILE", "SUBJECT", "ROLE", "NAME", "ADDRESSES", "VALID FROM", "VALID UNTIL", "DAYS LEFT", "SERIAL",
            "FINGERPRINT (SHA-256)",
        ]
    }

    var cells: [String] {
        [
            file, subject, role ?? "-", name ?? "-", addresses.map(\.description).joined(separator: " "), validFrom,
            validUntil, "\(daysLeft)", serial, fingerprint,
        ]
    }
}

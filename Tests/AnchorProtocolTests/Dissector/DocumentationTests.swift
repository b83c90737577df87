import AnchorProtocol
import Foundation
import Testing

/// The article on the protocol, the dissector and the codec name the same things.
@Suite struct DocumentationTests {
    private static func text(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).appending(path: "../../../..").standardized
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    private static let codes: [ErrorCode] = [
        .malformed, .unsupportedVersion, .unknownType, .unknownCriticalOption, .unknownSPI, .badAuthenticator,
        .replayed, .staleEpoch, .wrongRecipient, .notOwner, .unknownAddress, .careOfMismatch, .outdated,
        .quotaReached, .noAddress, .notOnLink, .unsupportedTunnel, .storageFailed, .rateLimited, .prohibited,
    ]

    @Test func `the article has a row for each message and each error code`() throws {
        let article = try Self.text("Documentation/FlowAnchor.docc/AnchorProtocol.md")
        for type in MessageType.allCases {
            let name = type == .error ? "error" : "\(type)"
            #expect(article.lowercased().contains("| \(type.rawValue) | \(name.lowercased()) |"), "\(type)")
        }
        for code in Self.codes { #expect(article.contains("\n| \(code.rawValue) | "), "code \(code.rawValue)") }
    }

    @Test func `article and dissector know the same options as the codec`() throws {
        let article = try Self.text("Documentation/FlowAnchor.docc/AnchorProtocol.md")
        let dissector = try Self.text("Wireshark/flowanchor.lua")
        let codec = try Self.text("Sources/AnchorProtocol/Wire/OptionType.swift")
        let types = codec.matches(of: /0x[0-9a-f]{4}\n/).map { String($0.output.dropLast()) }.filter { $0 != "0x8000" }
        #expect(types.count == 18)
        for type in types {
            #expect(article.contains("\n| \(type) | "), "\(type)")
            #expect(dissector.contains("[\(type)] = \""), "\(type)")
        }
    }

    @Test func `the dissector names each error code`() throws {
        let dissector = try Self.text("Wireshark/flowanchor.lua")
        for code in Self.codes { #expect(dissector.contains("[\(code.rawValue)] = \""), "code \(code.rawValue)") }
    }
}

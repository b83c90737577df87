import Foundation
import NetworkLab
import Testing

/// `anchorctl pki` as an operator uses it: output, files, exit codes.
@Suite struct PKICommandTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "fa-cli-\(UUID().uuidString.prefix(8))")
        .path

    private func pki(_ arguments: String...) throws -> CommandResult {
        try Command(["\(binaryFolder)/anchorctl", "pki"] + arguments + ["--folder", folder]).run()
    }

    @Test func `an authority and a router's certificate are made, shown and renewed`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        #expect(try pki("init").succeeded)
        let issued = try pki("issue", "ar1", "--address", "192.0.2.1", "--address", "2001:db8::1", "-o", "json")
        #expect(issued.output.contains(#""name":"ar1""#) && issued.output.contains(#""daysLeft":365"#))
        let shown = try pki("show", "ar1")
        for line in ["ROLE +access-router", "ADDRESSES +192.0.2.1 2001:db8::1", "DAYS LEFT +36[45]"] {
            #expect(try shown.output.contains(Regex(line)), "\(shown.output)")
        }
        #expect(try pki("show", "-o", "jsonl").output.split(separator: "\n").count == 2)
        #expect(try pki("renew", "ar1", "--days", "30", "-o", "json").output.contains(#""daysLeft":30"#))
    }

    @Test func `each kind of failure has its exit code, and says what to do`() throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let early = try pki("issue", "ar1", "--address", "192.0.2.1")
        #expect(early.status == 66 && early.errors.contains("anchorctl pki init"))
        #expect(try pki("init").succeeded)
        let second = try pki("init")
        #expect(second.status == 73 && second.errors.contains("--force"))
        #expect(try pki("issue", "a b", "--address", "192.0.2.1").status == 65)
        #expect(try pki("issue", "ar1").status == 64)
        #expect(try pki("issue", "ar1", "--address", "nowhere").status == 64)
        let unknown = try pki("renew", "ar1")
        #expect(unknown.status == 66 && unknown.errors.contains("anchorctl pki issue ar1"))
    }
}

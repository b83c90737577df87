import Foundation
import Testing

/// The articles say what is so.
@Suite struct ArticleTests {
    @Test func `each reason has its row, and no row is of anything else`() throws {
        let header = try Repository.text("BPF/abi/include/fa_reasons.h")
        let reasons = header.matches(of: /X\(\w+, "(\w+)", (\w+), "([^"]*)"\)/).map {
            "| `\($0.output.1)` | \($0.output.2) | \($0.output.3) |"
        }
        #expect(reasons.count > 20)
        let rows = try Repository.article("DropReasons").split(separator: "\n").filter { $0.hasPrefix("| `") }
        #expect(rows.map(String.init) == reasons)
    }

    @Test func `each map of the programs has its row, and no row is of anything else`() throws {
        let headers = try ["maps", "nat_work", "send", "mobile_maps"].map { try Repository.text("BPF/include/\($0).h") }
            .joined()
        let maps = headers.matches(of: /\} (fa_\w+) SEC\("\.maps"\)/).map { String($0.output.1) }
        #expect(maps.count > 15)
        let rows = try Repository.article("TheMaps").matches(of: /\n\| `(fa_\w+)` \|/).map { String($0.output.1) }
        #expect(rows == maps)
    }

    @Test func `each key of the configuration has its row, and no row is of anything else`() throws {
        var keys: Set<String> = []
        for path in try Repository.files(under: "Sources/AnchorDaemon/Configuration", ending: "Settings.swift")
            + ["Sources/AnchorDaemon/Configuration/DaemonConfiguration.swift"]
        {
            // Calls of the reader; their first argument is the key.
            let call = /reader\.(?:string|boolean|integer|seconds|choice|parsed|list)\(\s*"([a-z-]+)"/
            keys.formUnion(try Repository.text(path).matches(of: call).map { String($0.output.1) })
        }
        #expect(keys.count > 40)
        let rows = try Repository.article("Configuration").matches(of: /\n\| `([a-z-]+)` \|/).map {
            String($0.output.1)
        }
        #expect(keys.subtracting(rows).sorted() == [])
        #expect(Set(rows).subtracting(keys).sorted() == [])
    }

    @Test func `each test and scenario that the threat model names is there`() throws {
        let article = try Repository.article("ThreatModel")
        let suites = Set(
            try Repository.files(under: "Tests", ending: "Tests.swift").map {
                URL(filePath: $0).deletingPathExtension().lastPathComponent
            })
        let named = article.matches(of: /`(\w+Tests)`/).map { String($0.output.1) }
        #expect(named.count > 15)
        for name in named { #expect(suites.contains(name), "\(name)") }
        let scenarios = try Repository.files(under: "Sources/NetworkLab/Scenarios", ending: ".swift")
            .map { try Repository.text($0) }.joined()
        for name in article.matches(of: /scenario ([A-Z][A-Z0-9]+)/).map({ String($0.output.1) }) {
            #expect(scenarios.contains("\"\(name)\""), "\(name)")
        }
    }

    @Test func `each threat of the handled ones has its row`() throws {
        let article = try Repository.article("ThreatModel")
        for number in 1...22 { #expect(article.contains("\n| T\(number) | "), "T\(number)") }
    }

    @Test func `each file and function that an article names is there`() throws {
        for article in try Repository.files(under: "Documentation", ending: ".md") {
            let text = try Repository.text(article)
            for path in text.matches(of: /`((?:BPF|Sources|Tests|Fuzzing|Scripts|Wireshark)\/[\w\/.-]+)`/) {
                let file = Repository.root.appending(path: String(path.output.1))
                #expect(FileManager.default.fileExists(atPath: file.path), "\(article): \(path.output.1)")
            }
        }
        let programs =
            try Repository.files(under: "BPF", ending: ".h").map { try Repository.text($0) }.joined()
            + Repository.files(under: "BPF", ending: ".bpf.c").map { try Repository.text($0) }.joined()
        for article in ["Architecture", "TourOfAPacket", "TheTable"] {
            for name in try Repository.article(article).matches(of: /`(fa_\w+)`/).map({ String($0.output.1) }) {
                #expect(programs.contains(name), "\(article): \(name)")
            }
        }
    }

    @Test func `the catalogue is converted without a warning`() throws {
        let process = Process()
        let output = FileManager.default.temporaryDirectory.appending(path: "flowanchor-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "docc", "convert", Repository.root.appending(path: "Documentation/FlowAnchor.docc").path, "--output-path",
            output.path, "--warnings-as-errors",
        ]
        let pipe = Pipe()
        process.standardOutput = pipe
        process.standardError = pipe
        try process.run()
        let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(text)")
        #expect(!text.contains("warning"), "\(text)")
    }
}

import Foundation
import TOMLKit

/// What `anchord` is told by its configuration file.
public struct DaemonConfiguration: Sendable {
    /// `instance`: names pins, sockets and state, so that several can run side by side. Letters, digits,
    /// `-` and `_`, at most 32. Default: `main`.
    public var instance = "main"
    /// `state-directory`: the journal and the epoch. Default: `/var/lib/flowanchor/<instance>`.
    public var stateDirectory = "/var/lib/flowanchor/main"
    /// `control-socket`: of the REST API; at most 107 bytes. Default: `/run/flowanchor/<instance>.sock`.
    public var controlSocket = "/run/flowanchor/main.sock"
    /// `control-group`: the group that may use the API, beside root. Default: root's.
    public var controlGroup: String?
    /// `log-level`: trace, debug, info, notice, warning, error or critical. Default: `info`.
    public var logLevel = LogLevel.info
    /// `log-format`: `text` or `json` (an object a line). Default: `text`.
    public var logFormat = LogFormat.text
    /// `[access-router]`
    public var accessRouter: AccessRouterSettings?
    /// `[peering]` and `[[peer]]`
    public var peering: PeeringSettings?
    /// `[mobile-node]`
    public var mobileNode: MobileNodeSettings?

    public enum LogLevel: String, Sendable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical
    }

    public enum LogFormat: String, Sendable, CaseIterable {
        case text, json
    }

    public init() {}

    /// Reads and checks a file as a whole.
    /// - Throws: ``ConfigurationError`` with every mistake.
    public init(file: String) throws(ConfigurationError) {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            let cause = FileManager.default.fileExists(atPath: file) ? "cannot be read as UTF-8 text" : "does not exist"
            throw ConfigurationError(
                file: file, problems: [.init(line: 1, key: "", message: "the file \(cause)")])
        }
        try self.init(text: text, file: file)
    }

    /// - Parameter file: its name, for messages; relative names of files are looked for beside it.
    public init(text: String, file: String) throws(ConfigurationError) {
        var (entries, problems) = Self.parse(text)
        // A line that no parser takes may have opened a table: what stands in the others can't be told then.
        let collector = ProblemCollector(SourceIndex(text))
        if problems.isEmpty {
            let reader = TableReader(entries, path: "", collector: collector)
            read(reader, folder: (file as NSString).deletingLastPathComponent)
            problems = collector.problems
        }
        entries = [:]
        guard problems.isEmpty else {
            let sorted = problems.enumerated().sorted { ($0.element.line, $0.offset) < ($1.element.line, $1.offset) }
            throw ConfigurationError(file: file, problems: sorted.map(\.element))
        }
    }

    private mutating func read(_ reader: TableReader, folder: String) {
        if let name = reader.parsed("instance", as: Self.instanceRule, Self.instanceName) { instance = name }
        stateDirectory =
            reader.parsed("state-directory", as: "an absolute path", Self.absolutePath)
            ?? "/var/lib/flowanchor/\(instance)"
        controlSocket =
            reader.parsed("control-socket", as: "an absolute path of at most 107 bytes") { path in
                path.utf8.count <= 107 ? Self.absolutePath(path) : nil
            } ?? "/run/flowanchor/\(instance).sock"
        controlGroup = reader.parsed("control-group", as: "a group of this machine; see 'getent group'") { name in
            getgrnam(name) != nil ? name : nil
        }
        logLevel = reader.choice("log-level") ?? logLevel
        logFormat = reader.choice("log-format") ?? logFormat
        accessRouter = reader.table("access-router").map { AccessRouterSettings($0, folder: folder) }
        readPeering(reader, folder: folder)
        mobileNode = reader.table("mobile-node").map { MobileNodeSettings($0, folder: folder) }
        if !reader.has("access-router") && !reader.has("mobile-node") {
            reader.problem("", "there is nothing to do: a table [access-router] or [mobile-node] is needed")
        }
        if reader.has("access-router") && reader.has("mobile-node") {
            reader.problem(
                "mobile-node", "a daemon has one role: give the mobile node a file and an instance of its own")
        }
        reader.finish()
    }

    private mutating func readPeering(_ reader: TableReader, folder: String) {
        peering = reader.table("peering").map {
            PeeringSettings($0, top: reader, endpoints: accessRouter?.endpoints ?? [], folder: folder)
        }
        if reader.has("peer"), !reader.has("peering") {
            reader.problem("peer", "peers need a table [peering], with this router's certificate")
        }
        if reader.has("peering"), !reader.has("access-router") {
            reader.problem("peering", "only an access router has neighbours: a table [access-router] is needed")
        }
    }

    private static let instanceRule = "a name of 1 to 32 letters, digits, '-' or '_'"

    private static func instanceName(_ text: String) -> String? {
        let isName = text.utf8.allSatisfy { byte in
            (byte | 0x20).isLetter || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_")
        }
        return isName && (1...32).contains(text.utf8.count) ? text : nil
    }

    private static func absolutePath(_ text: String) -> String? { text.hasPrefix("/") ? text : nil }

    /// Parses the text; of what no parser takes, the line is named and left out, to find the next mistake.
    private static func parse(_ text: String) -> ([String: ConfigurationValue], [ConfigurationProblem]) {
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var problems: [ConfigurationProblem] = []
        while problems.count < 100 {
            do {
                let table = try TOMLTable(string: lines.joined(separator: "\n"))
                return (ConfigurationValue.entries(of: table), problems)
            } catch let error as TOMLParseError {
                let line = max(1, min(error.source.begin.line, lines.count))
                let isRepeated = lines[line - 1].isEmpty
                if !isRepeated || problems.isEmpty {
                    problems.append(.init(line: line, key: "", message: "not valid TOML: \(error.description)"))
                }
                if isRepeated { break }
                lines[line - 1] = ""
            } catch {
                problems.append(.init(line: 1, key: "", message: "not valid TOML: \(error)"))
                break
            }
        }
        return ([:], problems)
    }
}

extension UInt8 {
    fileprivate var isLetter: Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self) }
}

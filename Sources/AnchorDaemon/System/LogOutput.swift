import Foundation
import Logging

/// Log lines on standard error, as text or as a JSON object a line. The journal of systemd adds the time to
/// text by itself and understands the priority in front.
struct LogOutput: LogHandler {
    var logLevel = Logger.Level.info
    var metadata = Logger.Metadata()
    var metadataProvider: Logger.MetadataProvider?
    private let format: DaemonConfiguration.LogFormat
    private let label: String
    /// Standard error goes to the journal (`JOURNAL_STREAM`).
    private let isJournal: Bool

    init(label: String, level: Logger.Level, format: DaemonConfiguration.LogFormat) {
        self.label = label
        logLevel = level
        self.format = format
        isJournal = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] != nil
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = metadata
        fields.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { fields["error"] = "\(error)" }
        let line = format == .json ? json(event, fields) : text(event, fields)
        FileHandle.standardError.write(Data((line + "\n").utf8))
    }

    private func text(_ event: LogEvent, _ fields: Logger.Metadata) -> String {
        let suffix = fields.sorted { $0.key < $1.key }.map { " \($0.key)=\(quoted("\($0.value)"))" }.joined()
        let prefix = isJournal ? "<\(event.level.priority)>" : "\(timestamp()) \(event.level.rawValue.uppercased()) "
        return prefix + "\(event.message)" + suffix
    }

    private func json(_ event: LogEvent, _ fields: Logger.Metadata) -> String {
        var object = [
            "time": timestamp(), "level": event.level.rawValue, "logger": label, "message": "\(event.message)",
        ]
        for (key, value) in fields { object[key] = "\(value)" }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return (try? encoder.encode(object)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
    }

    private func quoted(_ value: String) -> String {
        value.contains { $0 == " " || $0 == "\"" || $0.isNewline } || value.isEmpty
            ? "\"" + value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
                + "\""
            : value
    }

    private func timestamp() -> String { Date.now.formatted(.iso8601.time(includingFractionalSeconds: true)) }
}

extension Logger.Level {
    /// syslog(3) priority.
    fileprivate var priority: Int {
        switch self {
        case .trace, .debug: 7
        case .info: 6
        case .notice: 5
        case .warning: 4
        case .error: 3
        case .critical: 2
        }
    }
}

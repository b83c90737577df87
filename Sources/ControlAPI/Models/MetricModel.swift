/// A metric family in the text format of Prometheus.
public struct MetricModel: Hashable, Sendable, Codable {
    public enum Kind: String, Sendable, Codable {
        case counter, gauge
    }

    public struct Sample: Hashable, Sendable, Codable {
        public var labels: [String: String]
        public var value: Double

        public init(_ value: Double, labels: [String: String] = [:]) {
            self.labels = labels
            self.value = value
        }
    }

    /// With its unit and, for a counter, `_total` at its end.
    public var name: String
    public var kind: Kind
    public var help: String
    public var samples: [Sample]

    public init(name: String, kind: Kind, help: String, samples: [Sample]) {
        self.name = name
        self.kind = kind
        self.help = help
        self.samples = samples
    }

    /// Text exposition format, version 0.0.4.
    public var exposition: String {
        var text = "# HELP \(name) \(MetricModel.escape(help, quotes: false))\n# TYPE \(name) \(kind.rawValue)\n"
        for sample in samples {
            let labels = sample.labels.sorted { $0.key < $1.key }
                .map { "\($0.key)=\"\(MetricModel.escape($0.value, quotes: true))\"" }
            text += name + (labels.isEmpty ? "" : "{\(labels.joined(separator: ","))}")
            text += " \(MetricModel.number(sample.value))\n"
        }
        return text
    }

    private static func number(_ value: Double) -> String {
        value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : String(value)
    }

    private static func escape(_ text: String, quotes: Bool) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
        return quotes ? escaped.replacing("\"", with: "\\\"") : escaped
    }
}

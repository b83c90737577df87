/// A mistake in a configuration file.
public struct ConfigurationProblem: Hashable, Sendable, Codable {
    /// Line of the file, counted from 1.
    public var line: Int
    /// The key that it is about, such as `access-router.access[0].pools`; empty for the file itself.
    public var key: String
    /// What is wrong, and what would be right.
    public var message: String

    public init(line: Int, key: String, message: String) {
        self.line = line
        self.key = key
        self.message = message
    }
}

extension ConfigurationProblem: CustomStringConvertible {
    public var description: String { "line \(line): " + (key.isEmpty ? "" : "\(key): ") + message }
}

/// All mistakes of a configuration file, in the order of its lines.
public struct ConfigurationError: Error, CustomStringConvertible {
    public var file: String
    public var problems: [ConfigurationProblem]

    public init(file: String, problems: [ConfigurationProblem]) {
        self.file = file
        self.problems = problems
    }

    public var description: String {
        problems.map { "\(file):\($0.line): " + ($0.key.isEmpty ? "" : "\($0.key): ") + $0.message }
            .joined(separator: "\n")
    }
}

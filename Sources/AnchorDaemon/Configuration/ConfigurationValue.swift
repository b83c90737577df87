import TOMLKit

/// A value of a configuration file.
enum ConfigurationValue {
    case string(String)
    case integer(Int)
    case number(Double)
    case boolean(Bool)
    case array([ConfigurationValue])
    case table([String: ConfigurationValue])
    case moment

    init(_ value: any TOMLValueConvertible) {
        switch value.type {
        case .string: self = .string(value.string ?? "")
        case .int: self = .integer(value.int ?? 0)
        case .double: self = .number(value.double ?? 0)
        case .bool: self = .boolean(value.bool ?? false)
        case .array: self = .array((value.array ?? TOMLArray()).map { ConfigurationValue($0) })
        case .table: self = .table(ConfigurationValue.entries(of: value.table ?? TOMLTable()))
        case .date, .time, .dateTime: self = .moment
        }
    }

    static func entries(of table: TOMLTable) -> [String: ConfigurationValue] {
        var entries: [String: ConfigurationValue] = [:]
        for key in table.keys {
            if let value = table[key] { entries[key] = ConfigurationValue(value) }
        }
        return entries
    }

    /// What it is, for messages.
    var kind: String {
        switch self {
        case .string: "a string"
        case .integer: "an integer"
        case .number: "a number"
        case .boolean: "true or false"
        case .array: "a list"
        case .table: "a table"
        case .moment: "a date or time"
        }
    }
}

import ArgumentParser
import ControlAPI
import Foundation

/// How answers are printed. All three come from the same model.
enum OutputFormat: String, CaseIterable, ExpressibleByArgument {
    /// Columns with a heading.
    case table
    /// One JSON document.
    case json
    /// One JSON object a line.
    case jsonl
}

/// A model as a row of a table.
protocol TableRow: Encodable {
    static var columns: [String] { get }
    var cells: [String] { get }
}

extension OutputFormat {
    func printList<Row: TableRow>(_ rows: [Row]) throws(ControlError) {
        switch self {
        case .table: print(TextTable.render(columns: Row.columns, rows: rows.map(\.cells)), terminator: "")
        case .json: print(try encode(rows))
        case .jsonl: for row in rows { print(try encode(row)) }
        }
    }

    /// One thing: in a table its columns become lines.
    func printOne<Row: TableRow>(_ row: Row) throws(ControlError) {
        switch self {
        case .table:
            let width = Row.columns.map(\.count).max() ?? 0
            for (column, cell) in zip(Row.columns, row.cells) {
                print(column.padding(toLength: width + 2, withPad: " ", startingAt: 0) + cell)
            }
        case .json, .jsonl: print(try encode(row))
        }
    }

    /// Some things with more columns than a line holds: in a table each is a block of lines.
    func printBlocks<Row: TableRow>(_ rows: [Row]) throws(ControlError) {
        guard self == .table else { return try printList(rows) }
        for (place, row) in rows.enumerated() {
            if place > 0 { print() }
            try printOne(row)
        }
    }

    func encode(_ value: some Encodable) throws(ControlError) -> String {
        do {
            return String(decoding: try JSONEncoder.control.encode(value), as: UTF8.self)
        } catch {
            throw ControlError(.failure, "this can't be said in JSON: \(error)")
        }
    }
}

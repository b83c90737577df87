/// Columns as wide as their widest cell.
enum TextTable {
    static func render(columns: [String], rows: [[String]]) -> String {
        let widths = columns.indices.map { index in
            max(columns[index].count, rows.map { $0[index].count }.max() ?? 0)
        }
        return ([columns] + rows).map { line(cells: $0, widths: widths) + "\n" }.joined()
    }

    private static func line(cells: [String], widths: [Int]) -> String {
        let padded = zip(cells, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
        var text = padded.joined(separator: "  ")
        while text.last == " " { text.removeLast() }
        return text
    }
}

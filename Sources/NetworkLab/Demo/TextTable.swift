/// Columns of text, as wide as their widest cell.
struct TextTable {
    var header: [String]
    var rows: [[String]] = []

    /// Lines of the table, each behind the indent.
    func lines(indent: String) -> [String] {
        let all = [header] + rows
        let widths = header.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        func line(_ cells: [String]) -> String {
            indent + "| "
                + zip(cells, widths).map { cell, width in cell + String(repeating: " ", count: width - cell.count) }
                .joined(separator: " | ") + " |"
        }
        let rule = indent + "+" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "+") + "+"
        return [rule, line(header), rule] + rows.map(line) + [rule]
    }
}

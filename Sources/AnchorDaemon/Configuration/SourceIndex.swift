/// In which line of a TOML file each key and each element of a list stands: the parser keeps no positions
/// of what it accepts. Paths are written as `table.list[0].key`.
struct SourceIndex {
    private(set) var lines: [String: Int] = [:]

    private var text: [UInt8]
    private var position = 0
    private var line = 1
    private var table = ""
    /// Elements of arrays of tables so far, by path.
    private var counts: [String: Int] = [:]

    /// - Parameter text: a file that the parser has accepted; for others the index is a best effort.
    init(_ text: String) {
        self.text = Array(text.utf8)
        while skipBlank(newlines: true) {
            if peek() == UInt8(ascii: "[") { header() } else { statement(in: table) }
        }
        self.text = []
    }

    /// The line of a path, or of the nearest one that encloses it.
    func line(of path: String) -> Int {
        var path = path[...]
        while true {
            if let line = lines[String(path)] { return line }
            guard let end = path.lastIndex(where: { $0 == "." || $0 == "[" }) else { return 1 }
            path = path[..<end]
        }
    }

    static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

    // MARK: Statements

    private mutating func header() {
        let isElement = text.dropFirst(position).starts(with: [UInt8(ascii: "["), UInt8(ascii: "[")])
        position += isElement ? 2 : 1
        var path = ""
        let keys = dottedKey()
        for (place, key) in keys.enumerated() {
            path = Self.join(path, key)
            let isLast = place == keys.count - 1
            if isLast && isElement {
                counts[path, default: 0] += 1
                path += "[\(counts[path]! - 1)]"
            } else if let count = counts[path] {
                // A table inside the last element of an array of tables.
                path += "[\(count - 1)]"
            }
        }
        note(path)
        table = path
        skipLine()
    }

    private mutating func statement(in path: String) {
        var path = path
        let start = line
        for key in dottedKey() { path = Self.join(path, key) }
        note(path, at: start)
        _ = skipBlank(newlines: false)
        if peek() == UInt8(ascii: "=") { position += 1 }
        value(at: path)
    }

    private mutating func value(at path: String) {
        guard skipBlank(newlines: false), let byte = peek() else { return }
        switch byte {
        case UInt8(ascii: "["):
            position += 1
            var index = 0
            while skipBlank(newlines: true), let next = peek() {
                if next == UInt8(ascii: "]") { break }
                if next == UInt8(ascii: ",") {
                    position += 1
                    continue
                }
                note("\(path)[\(index)]")
                value(at: "\(path)[\(index)]")
                index += 1
            }
            position += 1
        case UInt8(ascii: "{"):
            position += 1
            while skipBlank(newlines: true), let next = peek() {
                if next == UInt8(ascii: "}") { break }
                if next == UInt8(ascii: ",") { position += 1 } else { statement(in: path) }
            }
            position += 1
        case UInt8(ascii: "\""), UInt8(ascii: "'"):
            _ = string()
        default:
            let ends = Array(",]}#\n".utf8)
            while let next = peek(), !ends.contains(next) { advance() }
            // Something always moves on, also in a file that no parser would accept.
            if peek() == byte && ends.contains(byte) { advance() }
        }
    }

    // MARK: Tokens

    private mutating func dottedKey() -> [String] {
        var keys: [String] = []
        while skipBlank(newlines: false), let byte = peek() {
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") {
                keys.append(string())
            } else {
                let start = position
                while let next = peek(), next.isBareKey { position += 1 }
                guard position > start else {
                    if keys.isEmpty { advance() }
                    break
                }
                keys.append(String(decoding: text[start..<position], as: UTF8.self))
            }
            _ = skipBlank(newlines: false)
            guard peek() == UInt8(ascii: ".") else { break }
            position += 1
        }
        return keys
    }

    private mutating func string() -> String {
        let quote = text[position]
        let isLong = text.dropFirst(position).starts(with: [quote, quote, quote])
        position += isLong ? 3 : 1
        let start = position
        while let byte = peek() {
            if byte == UInt8(ascii: "\\") && quote == UInt8(ascii: "\"") {
                advance()
                advance()
                continue
            }
            if byte == quote && (!isLong || text.dropFirst(position).starts(with: [quote, quote, quote])) { break }
            advance()
        }
        let content = String(decoding: text[start..<min(position, text.count)], as: UTF8.self)
        position += isLong ? 3 : 1
        return content
    }

    private func peek() -> UInt8? { position < text.count ? text[position] : nil }

    private mutating func advance() {
        guard position < text.count else { return }
        if text[position] == UInt8(ascii: "\n") { line += 1 }
        position += 1
    }

    private mutating func skipLine() {
        while let byte = peek(), byte != UInt8(ascii: "\n") { position += 1 }
    }

    /// - Returns: whether anything follows.
    private mutating func skipBlank(newlines: Bool) -> Bool {
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"): position += 1
            case UInt8(ascii: "\n") where newlines: advance()
            case UInt8(ascii: "#"): skipLine()
            default: return true
            }
        }
        return false
    }

    private mutating func note(_ path: String, at line: Int? = nil) {
        if lines[path] == nil { lines[path] = line ?? self.line }
    }
}

extension UInt8 {
    fileprivate var isBareKey: Bool {
        switch self {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

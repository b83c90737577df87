import Foundation

/// Counts lines of a file that grows, without reading any of it twice.
final class LineCounter {
    private let path: String
    private let isCounted: (Substring) -> Bool
    private var offset: UInt64 = 0
    private(set) var count = 0

    init(_ path: String, where isCounted: @escaping (Substring) -> Bool) {
        self.path = path
        self.isCounted = isCounted
    }

    /// So far.
    func update() -> Int {
        guard let file = FileHandle(forReadingAtPath: path) else { return count }
        defer { try? file.close() }
        guard (try? file.seek(toOffset: offset)) != nil, let data = try? file.readToEnd() else { return count }
        // The last line may not be there as a whole yet.
        guard let end = data.lastIndex(of: UInt8(ascii: "\n")) else { return count }
        let whole = data[...end]
        offset += UInt64(whole.count)
        count += String(decoding: whole, as: UTF8.self).split(separator: "\n").count(where: isCounted)
        return count
    }
}

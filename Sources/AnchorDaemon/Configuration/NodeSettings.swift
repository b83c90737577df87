import AnchorProtocol
import Foundation

/// `[[access-router.node]]`: a node that may attach.
public struct NodeSettings: Sendable {
    /// `id`: the node's number, 1 to 2³² - 1.
    public var id: UInt64 = 0
    /// `spi`: security parameters index of its key, 256 to 2³² - 1 (lower ones are reserved).
    public var spi: UInt32 = 0
    /// `key`: hexadecimal digits, at least 32 (16 bytes); or `key-file`, a file that holds them.
    public var key: [UInt8] = []
    /// `quota`: host entries that it may have at once. Default: 8.
    public var quota = 8

    init(_ reader: TableReader, folder: String) {
        let security = SecuritySettings(reader, folder: folder)
        id = security.id
        spi = security.spi
        key = security.key
        quota = reader.integer("quota", in: 1...65536) ?? quota
        reader.finish()
    }
}

/// `id`, `spi` and `key` or `key-file` of a node.
struct SecuritySettings {
    var id: UInt64 = 0
    var spi: UInt32 = 0
    var key: [UInt8] = []

    init(_ reader: TableReader, folder: String) {
        let number = reader.integer("id", in: 1...Int(UInt32.max))
        id = reader.required("id", number, "the node's number").map { UInt64($0) } ?? 0
        let index = reader.integer("spi", in: 256...Int(UInt32.max))
        spi = reader.required("spi", index, "the security parameters index of its key").map { UInt32($0) } ?? 0
        let inline = reader.string("key")
        let file = reader.string("key-file")
        switch (inline, file) {
        case (let inline?, nil):
            key = parse(inline, reader, "key", of: "")
        case (nil, let file?):
            let path = file.hasPrefix("/") ? file : (folder as NSString).appendingPathComponent(file)
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                key = refuse(reader, "key-file", "\(path) cannot be read")
                return
            }
            key = parse(text, reader, "key-file", of: "\(path): ")
        case (nil, nil):
            if !reader.has("key") && !reader.has("key-file") {
                reader.problem("", "key is missing: 'key' or 'key-file'")
            }
        case (_?, _?):
            reader.problem("key-file", "either 'key' or 'key-file', not both")
        }
    }

    private func refuse(_ reader: TableReader, _ key: String, _ message: String) -> [UInt8] {
        reader.problem(key, message)
        return []
    }

    private func parse(_ text: String, _ reader: TableReader, _ key: String, of place: String) -> [UInt8] {
        do throws(KeyError) { return try KeyText.parse(text) } catch { return refuse(reader, key, "\(place)\(error)") }
    }
}

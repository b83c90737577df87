import CBPF
import Glibc

/// A map whose types aren't known here: to be pinned, handed to programs, or given types.
public final class BPFMapHandle: Sendable {
    public let description: BPFMapDescription
    let descriptor: Descriptor

    init(_ descriptor: consuming Descriptor, named name: String) throws(BPFError) {
        description = BPFMapDescription(try descriptor.information(bpf_map_info(), of: "map \(name)"), named: name)
        self.descriptor = descriptor
    }

    /// Opens what is pinned at `path`; `nil` if nothing is.
    public static func pinned(at path: String) throws(BPFError) -> BPFMapHandle? {
        guard let descriptor = try Descriptor.pinned(at: path) else { return nil }
        return try BPFMapHandle(descriptor, named: String(path.split(separator: "/").last ?? ""))
    }

    /// Makes a map.
    public convenience init(making description: BPFMapDescription) throws(BPFError) {
        try self.init(description.make(), named: description.name)
    }

    public func pin(at path: String) throws(BPFError) { try descriptor.pin(at: path) }

    /// The map with the types of its keys and values.
    /// - Throws: if they have other sizes.
    public func typed<Key, Value>(
        _: Key.Type = Key.self, _: Value.Type = Value.self
    ) throws(BPFError) -> BPFMap<Key, Value> {
        try BPFMap(descriptor.duplicate(of: "map \(description.name)"), named: description.name)
    }
}

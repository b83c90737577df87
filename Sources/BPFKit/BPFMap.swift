import CBPF
import Glibc

/// A map with keys and values of known types: the only place that hands descriptors and raw pointers
/// of maps to the kernel. Both types must be plain memory, such as integers and structs imported from C.
public struct BPFMap<Key, Value>: ~Copyable, Sendable {
    public let description: BPFMapDescription
    let descriptor: Descriptor

    /// Adopts a descriptor.
    /// - Throws: if the map's keys or values have another size than the types.
    init(_ descriptor: consuming Descriptor, named name: String) throws(BPFError) {
        precondition(_isPOD(Key.self) && _isPOD(Value.self), "keys and values are plain memory")
        let found = BPFMapDescription(try descriptor.information(bpf_map_info(), of: "map \(name)"), named: name)
        // A ring buffer has neither keys nor values.
        let isSized = found.keySize == 0 || found.keySize == UInt32(MemoryLayout<Key>.size)
        guard isSized, found.valueSize == 0 || found.valueSize == UInt32(MemoryLayout<Value>.size) else {
            throw BPFError(
                "use",
                "map \(name) with keys of \(MemoryLayout<Key>.size) and values of \(MemoryLayout<Value>.size) "
                    + "bytes: it has \(found.keySize) and \(found.valueSize)", code: EINVAL)
        }
        description = found
        self.descriptor = descriptor
    }

    /// Makes a map.
    public init(making description: BPFMapDescription) throws(BPFError) {
        try self.init(description.make(), named: description.name)
    }

    /// Opens what is pinned at `path`.
    /// - Returns: `nil` if nothing is pinned there.
    public static func pinned(at path: String) throws(BPFError) -> BPFMap? {
        guard let descriptor = try Descriptor.pinned(at: path) else { return nil }
        return try BPFMap(descriptor, named: String(path.split(separator: "/").last ?? ""))
    }

    /// Keeps the map under `path`, on a bpf file system, after this process ends.
    public borrowing func pin(at path: String) throws(BPFError) { try descriptor.pin(at: path) }

    /// The kernel's number of this map, as `bpftool map` shows it.
    public borrowing func identifier() throws(BPFError) -> UInt32 {
        try descriptor.information(bpf_map_info(), of: "map \(description.name)").id
    }

    // MARK: Entries

    /// - Returns: `nil` if there is no such key.
    public borrowing func value(_ key: Key) throws(BPFError) -> Value? {
        let buffer = UnsafeMutablePointer<Value>.allocate(capacity: 1)
        defer { buffer.deallocate() }
        let status = withUnsafePointer(to: key) { bpf_map_lookup_elem(descriptor.raw, $0, buffer) }
        guard status != 0 else { return buffer.pointee }
        guard errno == ENOENT else { throw BPFError("look up a key in", "map \(description.name)", code: errno) }
        return nil
    }

    public borrowing func set(_ key: Key, to value: Value, mode: BPFUpdateMode = .any) throws(BPFError) {
        let status = withUnsafePointer(to: key) { key in
            withUnsafePointer(to: value) { bpf_map_update_elem(descriptor.raw, key, $0, mode.rawValue) }
        }
        guard status == 0 else {
            let code = errno
            let step = code == E2BIG || code == ENOMEM ? "it holds at most \(description.capacity) entries" : nil
            throw BPFError("set a key of", "map \(description.name)", code: code, nextStep: step)
        }
    }

    /// - Returns: whether the key was there.
    @discardableResult
    public borrowing func remove(_ key: Key) throws(BPFError) -> Bool {
        let status = withUnsafePointer(to: key) { bpf_map_delete_elem(descriptor.raw, $0) }
        guard status != 0 else { return true }
        guard errno == ENOENT else { throw BPFError("remove a key from", "map \(description.name)", code: errno) }
        return false
    }

    /// All keys. Where entries come and go meanwhile, some may be missed and none is invented.
    public borrowing func keys() throws(BPFError) -> [Key] {
        var keys: [Key] = []
        while let key = try key(after: keys.last) { keys.append(key) }
        return keys
    }

    /// The key behind this one in the kernel's order, for a walk that may end early.
    /// - Parameter key: `nil` for the first key; one that is not in the map any more leads back to the first, too.
    /// - Returns: `nil` if `key` is the last one.
    public borrowing func key(after key: Key?) throws(BPFError) -> Key? {
        let next = UnsafeMutablePointer<Key>.allocate(capacity: 1)
        defer { next.deallocate() }
        let status =
            if let key {
                withUnsafePointer(to: key) { bpf_map_get_next_key(descriptor.raw, $0, next) }
            } else {
                bpf_map_get_next_key(descriptor.raw, nil, next)
            }
        guard status != 0 else { return next.pointee }
        guard errno == ENOENT else { throw BPFError("list the keys of", "map \(description.name)", code: errno) }
        return nil
    }
}

/// Whether a key may or must exist already.
public enum BPFUpdateMode: UInt64, Sendable {
    case any = 0
    case create = 1
    case replace = 2
}

extension BPFMapDescription {
    /// A new map like this.
    func make() throws(BPFError) -> Descriptor {
        var options = bpf_map_create_opts()
        options.sz = optionsSize(endingWith: \bpf_map_create_opts.map_ifindex)
        options.map_flags = flags
        let made = bpf_map_create(
            bpf_map_type(type), String(name.prefix(15)), keySize,
            valueSize, capacity, &options)
        guard made >= 0 else {
            let code = errno
            let step = code == ENOMEM ? "it needs \(megabytes) MiB; make the table smaller" : nil
            throw BPFError("make", "map \(name)", code: code, nextStep: step)
        }
        return Descriptor(made)
    }

    /// What an array or ring buffer of this description takes, in bytes; 0 for maps that grow as needed.
    public var bytes: Int {
        guard flags & UInt32(BPF_F_NO_PREALLOC) == 0 else { return 0 }
        return Int((valueSize + 7) & ~7) * Int(capacity)
    }

    var megabytes: UInt64 { UInt64(keySize + valueSize) * UInt64(capacity) >> 20 }
}

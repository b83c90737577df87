import CBPF
import Glibc

/// What a map is made of.
public struct BPFMapDescription: Hashable, Sendable {
    /// At most 15 bytes are kept by the kernel.
    public var name: String
    /// A `BPF_MAP_TYPE_…`.
    public var type: UInt32
    /// In bytes.
    public var keySize: UInt32
    public var valueSize: UInt32
    /// Entries that it can hold.
    public var capacity: UInt32
    /// `BPF_F_…`.
    public var flags: UInt32

    public init(name: String, type: bpf_map_type, keySize: Int, valueSize: Int, capacity: UInt32, flags: UInt32 = 0) {
        self.name = name
        self.type = type.rawValue
        self.keySize = UInt32(keySize)
        self.valueSize = UInt32(valueSize)
        self.capacity = capacity
        self.flags = flags
    }

    /// An array that processes can map into their memory.
    public static func sharedArray<Value>(_ name: String, of value: Value.Type, count: UInt32) -> Self {
        .init(
            name: name, type: BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: MemoryLayout<Value>.size, capacity: count,
            flags: UInt32(BPF_F_MMAPABLE))
    }

    init(ofUnloaded map: OpaquePointer) {
        name = String(cString: bpf_map__name(map))
        type = bpf_map__type(map).rawValue
        keySize = bpf_map__key_size(map)
        valueSize = bpf_map__value_size(map)
        capacity = bpf_map__max_entries(map)
        flags = bpf_map__map_flags(map)
    }

    init(_ information: bpf_map_info, named name: String) {
        self.name = name
        type = information.type
        keySize = information.key_size
        valueSize = information.value_size
        capacity = information.max_entries
        flags = information.map_flags
    }

    /// How `other` differs, one clause each; empty if it doesn't. The name isn't compared.
    public func differences(to other: BPFMapDescription) -> [String] {
        let pairs = [
            ("type", type, other.type), ("key size", keySize, other.keySize),
            ("value size", valueSize, other.valueSize), ("number of entries", capacity, other.capacity),
            // Devmaps get BPF_F_RDONLY_PROG from the kernel itself.
            ("flags", flags | UInt32(BPF_F_RDONLY_PROG), other.flags | UInt32(BPF_F_RDONLY_PROG)),
        ]
        return pairs.filter { $0.1 != $0.2 }.map { "\($0.0) \($0.1), not \($0.2)" }
    }
}

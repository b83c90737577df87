import CBPF
import Glibc

/// An array with one copy of each value a processor, so that counting costs no shared cache line.
public struct BPFPerCPUArray<Value>: ~Copyable, Sendable {
    public let map: BPFMap<UInt32, Value>
    private let processors: Int

    /// - Throws: if the map is of another type.
    public init(_ map: consuming BPFMap<UInt32, Value>) throws(BPFError) {
        guard map.description.type == BPF_MAP_TYPE_PERCPU_ARRAY.rawValue else {
            throw BPFError("use as an array for each processor", "map \(map.description.name)", code: EINVAL)
        }
        let count = libbpf_num_possible_cpus()
        guard count > 0 else { throw BPFError("count", "the possible processors", code: count) }
        processors = Int(count)
        self.map = map
    }

    public var count: Int { Int(map.description.capacity) }

    /// The value of each possible processor.
    public borrowing func values(_ index: UInt32) throws(BPFError) -> [Value] {
        // The kernel rounds each up to eight bytes.
        let stride = (MemoryLayout<Value>.size + 7) & ~7
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: stride * processors, alignment: 8)
        defer { buffer.deallocate() }
        var index = index
        guard bpf_map_lookup_elem(map.descriptor.raw, &index, buffer.baseAddress) == 0 else {
            throw BPFError("read entry \(index) of", "map \(map.description.name)", code: errno)
        }
        return (0..<processors).map { buffer.load(fromByteOffset: $0 * stride, as: Value.self) }
    }
}

extension BPFPerCPUArray where Value: FixedWidthInteger {
    /// The sum over all processors.
    public borrowing func sum(_ index: UInt32) throws(BPFError) -> Value {
        try values(index).reduce(0, &+)
    }
}

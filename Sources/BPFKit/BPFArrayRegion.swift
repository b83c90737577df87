import CBPF
import Glibc

/// An array map as memory of this process, shared with the programs. What is read and written there
/// by both needs atomics, and so does what threads share; its own fields never change.
public struct BPFArrayRegion<Value>: ~Copyable, @unchecked Sendable {
    /// The first entry, at the start of a page.
    public let base: UnsafeMutableRawPointer
    /// Number of entries.
    public let count: Int
    /// Bytes from one entry to the next.
    public let stride: Int
    private let length: Int

    /// - Parameter map: made with `BPF_F_MMAPABLE`.
    public init(_ map: borrowing BPFMap<UInt32, Value>) throws(BPFError) {
        count = Int(map.description.capacity)
        stride = (MemoryLayout<Value>.size + 7) & ~7
        let page = sysconf(Int32(_SC_PAGESIZE))
        length = (count * stride + page - 1) / page * page
        let place = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_SHARED, map.descriptor.raw, 0)
        guard let place, place != MAP_FAILED else {
            throw BPFError("map into memory", "map \(map.description.name)", code: errno)
        }
        base = place
    }

    deinit { munmap(base, length) }

    @inline(__always)
    public func pointer(to index: Int) -> UnsafeMutableRawPointer {
        precondition(index >= 0 && index < count, "index outside of the array")
        return base + index * stride
    }

    /// Not atomic: for entries that only the owner writes, or in tests.
    public subscript(index: Int) -> Value {
        get { pointer(to: index).load(as: Value.self) }
        nonmutating set { pointer(to: index).storeBytes(of: newValue, as: Value.self) }
    }
}

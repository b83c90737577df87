import CAtomics
import CBPF
import Glibc

/// How far a ring buffer is written and read, in bytes since it was made. A record takes its own bytes and eight more,
/// rounded up to eight.
public struct BPFRingPositions: Hashable, Sendable {
    public var written: UInt64
    public var read: UInt64
    /// Bytes that fit.
    public var capacity: UInt32

    /// Bytes that are written and not read yet.
    public var waiting: UInt64 { written > read ? written - read : 0 }
}

extension BPFMapHandle {
    /// Looks at a ring buffer without reading from it.
    /// - Throws: if the map is of another type.
    public func ringPositions() throws(BPFError) -> BPFRingPositions {
        guard description.type == BPF_MAP_TYPE_RINGBUF.rawValue else {
            throw BPFError("use as a ring buffer", "map \(description.name)", code: EINVAL)
        }
        // The reader's position is at the start of the first page, the writers' at that of the second.
        let page = sysconf(Int32(_SC_PAGESIZE))
        let place = mmap(nil, 2 * page, PROT_READ, MAP_SHARED, descriptor.raw, 0)
        guard let place, place != MAP_FAILED else {
            throw BPFError("map into memory", "map \(description.name)", code: errno)
        }
        defer { munmap(place, 2 * page) }
        // The reader's first: it never passes what was written by then.
        let read = ca_load_acquire_u64(place)
        return BPFRingPositions(
            written: ca_load_acquire_u64(place + page), read: read, capacity: description.capacity)
    }
}

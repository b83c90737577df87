import CBPF
import Glibc

/// The programs that one program jumps to, by number.
public struct BPFProgramArray: ~Copyable, Sendable {
    public let map: BPFMap<UInt32, UInt32>

    /// - Throws: if the map is of another type.
    public init(_ map: consuming BPFMap<UInt32, UInt32>) throws(BPFError) {
        guard map.description.type == BPF_MAP_TYPE_PROG_ARRAY.rawValue else {
            throw BPFError("use as a program array", "map \(map.description.name)", code: EINVAL)
        }
        self.map = map
    }

    public borrowing func set(_ index: UInt32, to program: borrowing BPFProgram) throws(BPFError) {
        try map.set(index, to: UInt32(program.descriptor.raw))
    }
}

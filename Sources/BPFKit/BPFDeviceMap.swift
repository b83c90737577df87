import CBPF
import Glibc

/// The interfaces to which programs redirect, by number.
public struct BPFDeviceMap: ~Copyable, Sendable {
    public let map: BPFMap<UInt32, UInt32>

    /// - Throws: if the map is of another type.
    public init(_ map: consuming BPFMap<UInt32, UInt32>) throws(BPFError) {
        guard map.description.type == BPF_MAP_TYPE_DEVMAP.rawValue else {
            throw BPFError("use as a device map", "map \(map.description.name)", code: EINVAL)
        }
        self.map = map
    }

    /// - Parameters:
    ///   - interface: its index in the current network namespace; `nil` removes the entry.
    public borrowing func set(_ index: UInt32, to interface: Int32?) throws(BPFError) {
        guard let interface else {
            try map.remove(index)
            return
        }
        try map.set(index, to: UInt32(interface))
    }

    /// The interface's index; `nil` for none, or one that has vanished.
    public borrowing func interface(_ index: UInt32) throws(BPFError) -> Int32? {
        guard let value = try map.value(index), value != 0 else { return nil }
        return Int32(value)
    }
}

import CAtomics

/// `fa_translations_elsewhere`: the buckets of translations that a key has passed over for another, by number.
struct ElsewhereView: MapView {
    let maps: SharedMaps

    func scan(_ body: (Int) -> Bool) {
        for index in 0..<maps.elsewhere.count {
            var bits = ca_load_relaxed_u64(maps.elsewhere.pointer(to: index))
            while bits != 0 {
                if !body(index * 64 + bits.trailingZeroBitCount) { return }
                bits &= bits - 1
            }
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (Int) -> Bool {
        guard let bucket = Int(key), bucket >= 0 else { throw .invalid("'\(key)' is no bucket: write its number") }
        return { $0 == bucket }
    }

    func entry(_ record: Int) -> MapEntry { MapEntry(key: "\(record)", fields: ["elsewhere": "true"]) }
}

/// One map as an operator reads it: its records, what names them, and their fields in words.
protocol MapView {
    /// An entry as it is in memory, copied whole.
    associatedtype Record

    /// Calls `body` with each record that is in use, until it returns `false`. Where records come or go meanwhile, some
    /// may be missed, and those of a hash map may come twice.
    func scan(_ body: (Record) -> Bool) throws(DataPlaneError)
    /// - Returns: what tells the records that `key` names.
    /// - Throws: `invalid` if the text is no key of this map.
    func matcher(_ key: String) throws(DataPlaneError) -> (Record) -> Bool
    func entry(_ record: Record) -> MapEntry
}

extension MapView {
    /// The first `limit` entries; with a key, of those that it names. Nothing is put into words that isn't returned.
    func entries(key: String?, limit: Int) throws(DataPlaneError) -> [MapEntry] {
        guard limit > 0 else { return [] }
        var isWanted: (Record) -> Bool = { _ in true }
        if let key { isWanted = try matcher(key) }
        var found: [MapEntry] = []
        try scan { record in
            if isWanted(record) { found.append(entry(record)) }
            return found.count < limit
        }
        return found
    }
}

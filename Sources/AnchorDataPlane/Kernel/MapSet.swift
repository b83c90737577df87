import BPFKit

/// The maps of an instance as they are found in its folder of pins, or made for it.
struct MapSet {
    var handles: [String: BPFMapHandle]
    var origin: Origin

    enum Origin {
        /// Nothing was pinned: these are new, and not pinned yet.
        case made
        case adopted
        /// Tables that are pinned have other sizes than are configured. Those of these groups are new ones, not pinned
        /// yet, and the configuration is too; the others are as they were. `former` is all that is pinned.
        case resized(former: [String: BPFMapHandle], Set<Group>)
    }

    /// Tables whose entries are moved when their size changes. Those of a group name each other's entries.
    enum Group: CaseIterable {
        case hosts
        case nat

        var maps: Set<String> {
            switch self {
            case .hosts:
                ["fa_hosts", "fa_hosts_extra", "fa_hosts_state", "fa_hosts_spill", "fa_peers", "fa_peers_state"]
            case .nat:
                [
                    "fa_translations", "fa_translations_state", "fa_subscribers", "fa_subscribers_state",
                    "fa_nat_blocks", "fa_nat_ports", "fa_translations_elsewhere",
                ]
            }
        }
    }

    /// - Parameters:
    ///   - path: the object that describes the maps.
    ///   - folder: where they are pinned.
    ///   - capacities: entries of maps whose size isn't the object's.
    /// - Throws: if what is pinned doesn't fit the object.
    init(object path: String, folder: String, capacities: [String: UInt32]) throws(DataPlaneError) {
        let wanted = try Result { () throws(BPFError) in try Self.describe(path, capacities) }.unwrapped()
        let found = try Result { () throws(BPFError) in try Self.pinned(wanted, folder) }.unwrapped()
        // The configuration is pinned last: without it, whoever began here was killed before anything used it.
        guard found["fa_config"] != nil else {
            handles = try Result { () throws(BPFError) in
                try BPFFileSystem.remove(folder)
                try BPFFileSystem.prepare(folder)
                return try Self.make(path, wanted, reusing: [:])
            }.unwrapped()
            origin = .made
            return
        }
        let unfit = wanted.filter { found[$0.name]?.description.differences(to: $0).isEmpty != true }
        guard !unfit.isEmpty else {
            handles = found
            origin = .adopted
            return
        }
        let groups = Set(Group.allCases.filter { group in unfit.contains { group.maps.contains($0.name) } })
        // The configuration has the tables' sizes: who goes on with the former ones must not see the new.
        let movable = groups.reduce(into: Set(["fa_config"])) { $0.formUnion($1.maps) }
        guard unfit.allSatisfy({ movable.contains($0.name) && Self.differsInSizeOnly($0, found[$0.name]) }) else {
            throw .incompatible(Self.explain(unfit, found, folder))
        }
        let kept = found.filter { !movable.contains($0.key) }
        handles = try Result { () throws(BPFError) in try Self.make(path, wanted, reusing: kept) }.unwrapped()
        origin = .resized(former: found, groups)
    }

    private static func differsInSizeOnly(_ wanted: BPFMapDescription, _ found: BPFMapHandle?) -> Bool {
        guard var sized = found?.description else { return false }
        sized.capacity = wanted.capacity
        return sized.differences(to: wanted).isEmpty
    }

    private static func explain(
        _ unfit: [BPFMapDescription], _ found: [String: BPFMapHandle], _ folder: String
    ) -> String {
        let differences = unfit.flatMap { map in
            found[map.name]?.description.differences(to: map).map { "\(map.name) has \($0)" } ?? [
                "\(map.name) is missing"
            ]
        }
        return "the maps pinned in \(folder) are not those of this version and configuration: "
            + differences.joined(separator: "; ") + "; 'anchorctl unload' removes them"
    }

    private static func pinned(
        _ wanted: [BPFMapDescription], _ folder: String
    ) throws(BPFError) -> [String: BPFMapHandle] {
        var found: [String: BPFMapHandle] = [:]
        for map in wanted { found[map.name] = try BPFMapHandle.pinned(at: folder + "/" + map.name) }
        return found
    }

    /// What the maps would be if they were made now.
    private static func describe(
        _ path: String, _ capacities: [String: UInt32]
    ) throws(BPFError) -> [BPFMapDescription] {
        try BPFObject(path: path).maps().map { map in
            var map = map
            map.capacity = capacities[map.name] ?? map.capacity
            return map
        }
    }

    private static func make(
        _ path: String, _ wanted: [BPFMapDescription], reusing kept: [String: BPFMapHandle]
    ) throws(BPFError) -> [String: BPFMapHandle] {
        var object = try BPFObject(path: path)
        try object.select(programs: [])
        for map in wanted {
            if let handle = kept[map.name] {
                try object.reuse(handle, as: map.name)
            } else {
                try object.setCapacity(of: map.name, to: map.capacity)
            }
        }
        let loaded = try object.load()
        var made: [String: BPFMapHandle] = [:]
        for map in wanted { made[map.name] = try loaded.handle(map.name) }
        return made
    }
}

import BPFKit
import BPFObjects
import CBPF
import FlowAnchorABI

/// The maps of one instance, pinned, and the memory of those that are shared.
final class SharedMaps: Sendable {
    let config: BPFArrayRegion<fa_config>
    let ports: BPFArrayRegion<fa_port>
    let chains: BPFArrayRegion<fa_chain>
    let paths: BPFArrayRegion<fa_path>
    let hosts: BPFArrayRegion<fa_host>
    let extras: BPFArrayRegion<fa_host_extra>
    let hostState: BPFArrayRegion<fa_table_state>
    let spill: BPFMap<fa_host_key, fa_host_spilled>
    let formerPeers: BPFMap<fa_former_key, UInt32>
    let peers: BPFArrayRegion<fa_peer>
    let peerState: BPFArrayRegion<fa_table_state>
    let reasons: BPFPerCPUArray<UInt64>
    let devices: BPFDeviceMap

    /// All of them by name, for the programs.
    let handles: [String: BPFMapHandle]
    /// Whether they were there already.
    let wereAdopted: Bool

    /// Makes the maps that `object` describes and pins them in `folder`, or adopts those that are pinned.
    /// - Parameter capacities: entries of maps whose size isn't the object's.
    /// - Throws: if what is pinned doesn't fit the object.
    init(object path: String, folder: String, capacities: [String: UInt32]) throws(DataPlaneError) {
        let (found, adopted) = try Self.open(object: path, folder: folder, capacities: capacities)
        handles = found
        wereAdopted = adopted
        do throws(BPFError) {
            config = try BPFArrayRegion(found.typed("fa_config"))
            ports = try BPFArrayRegion(found.typed("fa_ports"))
            chains = try BPFArrayRegion(found.typed("fa_chains"))
            paths = try BPFArrayRegion(found.typed("fa_paths"))
            hosts = try BPFArrayRegion(found.typed("fa_hosts"))
            extras = try BPFArrayRegion(found.typed("fa_hosts_extra"))
            hostState = try BPFArrayRegion(found.typed("fa_hosts_state"))
            spill = try found.typed("fa_hosts_spill")
            formerPeers = try found.typed("fa_former_peers")
            peers = try BPFArrayRegion(found.typed("fa_peers"))
            peerState = try BPFArrayRegion(found.typed("fa_peers_state"))
            reasons = try BPFPerCPUArray(found.typed("fa_reasons"))
            devices = try BPFDeviceMap(found.typed("fa_devices"))
        } catch {
            throw .bpf(error)
        }
    }

    private static func open(
        object path: String, folder: String, capacities: [String: UInt32]
    ) throws(DataPlaneError) -> ([String: BPFMapHandle], Bool) {
        let wanted = try Result { () throws(BPFError) in try describe(path, capacities) }.unwrapped()
        var found: [String: BPFMapHandle] = [:]
        for map in wanted {
            let pin = folder + "/" + map.name
            found[map.name] = try Result { () throws(BPFError) in try BPFMapHandle.pinned(at: pin) }.unwrapped()
        }
        // The configuration is pinned last: without it, whoever began here was killed before anything used it.
        guard found["fa_config"] != nil else {
            return try Result { () throws(BPFError) in
                try BPFFileSystem.remove(folder)
                try BPFFileSystem.prepare(folder)
                return (try make(path, capacities, wanted), false)
            }.unwrapped()
        }
        let mismatches = wanted.flatMap { map in
            found[map.name]?.description.differences(to: map).map { "\(map.name) has \($0)" } ?? [
                "\(map.name) is missing"
            ]
        }
        guard mismatches.isEmpty else {
            throw .incompatible(
                "the maps pinned in \(folder) are not those of this version and configuration: "
                    + mismatches.joined(separator: "; ") + "; 'anchorctl unload' removes them")
        }
        return (found, true)
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
        _ path: String, _ capacities: [String: UInt32], _ wanted: [BPFMapDescription]
    ) throws(BPFError) -> [String: BPFMapHandle] {
        var object = try BPFObject(path: path)
        try object.select(programs: [])
        for map in wanted where capacities[map.name] != nil {
            try object.setCapacity(of: map.name, to: map.capacity)
        }
        let loaded = try object.load()
        var made: [String: BPFMapHandle] = [:]
        for map in wanted { made[map.name] = try loaded.handle(map.name) }
        return made
    }
}

extension SharedMaps {
    /// Pins them all, the configuration last: whoever finds it finds the others.
    func pin(in folder: String) throws(BPFError) {
        for (name, handle) in handles.sorted(by: { $0.key < $1.key }) where name != "fa_config" {
            try handle.pin(at: folder + "/" + name)
        }
        try handles["fa_config"]?.pin(at: folder + "/fa_config")
    }
}

extension [String: BPFMapHandle] {
    fileprivate func typed<K, V>(_ name: String) throws(BPFError) -> BPFMap<K, V> {
        guard let handle = self[name] else {
            throw BPFError("find", "map \(name) of these programs", code: 2)
        }
        return try handle.typed()
    }
}

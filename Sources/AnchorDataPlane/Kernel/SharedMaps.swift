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
    let admitted: BPFMap<fa_admitted_key, UInt32>
    let peers: BPFArrayRegion<fa_peer>
    let peerState: BPFArrayRegion<fa_table_state>
    let routers: BPFArrayRegion<fa_router>
    let duplicates: BPFArrayRegion<fa_duplicate_line>
    let translations: BPFArrayRegion<fa_translation>
    let translationState: BPFArrayRegion<fa_table_state>
    let subscribers: BPFArrayRegion<fa_subscriber>
    let subscriberState: BPFArrayRegion<fa_table_state>
    let natBlocks: BPFArrayRegion<fa_nat_block>
    let natPorts: BPFArrayRegion<UInt64>
    let elsewhere: BPFArrayRegion<UInt64>
    let fragments: BPFMap<UInt32, fa_nat_fragment>
    let reasons: BPFPerCPUArray<UInt64>
    let limits: BPFPerCPUArray<fa_limit>
    let kernelPath: BPFPerCPUArray<fa_path>
    let devices: BPFDeviceMap

    /// All of them by name, for the programs.
    let handles: [String: BPFMapHandle]
    init(_ found: [String: BPFMapHandle]) throws(DataPlaneError) {
        handles = found
        do throws(BPFError) {
            config = try BPFArrayRegion(found.typed("fa_config"))
            ports = try BPFArrayRegion(found.typed("fa_ports"))
            chains = try BPFArrayRegion(found.typed("fa_chains"))
            paths = try BPFArrayRegion(found.typed("fa_paths"))
            hosts = try BPFArrayRegion(found.typed("fa_hosts"))
            extras = try BPFArrayRegion(found.typed("fa_hosts_extra"))
            hostState = try BPFArrayRegion(found.typed("fa_hosts_state"))
            spill = try found.typed("fa_hosts_spill")
            admitted = try found.typed("fa_admitted")
            peers = try BPFArrayRegion(found.typed("fa_peers"))
            peerState = try BPFArrayRegion(found.typed("fa_peers_state"))
            routers = try BPFArrayRegion(found.typed("fa_routers"))
            duplicates = try BPFArrayRegion(found.typed("fa_duplicates"))
            translations = try BPFArrayRegion(found.typed("fa_translations"))
            translationState = try BPFArrayRegion(found.typed("fa_translations_state"))
            subscribers = try BPFArrayRegion(found.typed("fa_subscribers"))
            subscriberState = try BPFArrayRegion(found.typed("fa_subscribers_state"))
            natBlocks = try BPFArrayRegion(found.typed("fa_nat_blocks"))
            elsewhere = try BPFArrayRegion(found.typed("fa_translations_elsewhere"))
            natPorts = try BPFArrayRegion(found.typed("fa_nat_ports"))
            fragments = try found.typed("fa_nat_fragments")
            reasons = try BPFPerCPUArray(found.typed("fa_reasons"))
            limits = try BPFPerCPUArray(found.typed("fa_limits"))
            kernelPath = try BPFPerCPUArray(found.typed("fa_kernel_path"))
            devices = try BPFDeviceMap(found.typed("fa_devices"))
        } catch {
            throw .bpf(error)
        }
    }
}

extension SharedMaps {
    /// Puts these in the place of all that is pinned in `folder`, at once: whoever is killed here leaves the
    /// one or the other.
    func replacePins(in folder: String) throws(BPFError) {
        let next = folder + "-next"
        try BPFFileSystem.remove(next)
        try BPFFileSystem.prepare(next)
        try pin(in: next)
        try BPFFileSystem.exchange(next, folder)
        try BPFFileSystem.remove(next)
    }

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

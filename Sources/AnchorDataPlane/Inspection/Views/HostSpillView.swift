import BPFKit
import FlowAnchorABI
import NetworkTypes

/// `fa_hosts_spill`: the hosts that found no slot, by address.
struct HostSpillView: MapView {
    let maps: SharedMaps
    let clock: TickClock
    let now: UInt32

    func scan(_ body: (fa_host_spilled) -> Bool) throws(DataPlaneError) {
        do throws(BPFError) {
            var next = try maps.spill.key(after: nil)
            while let key = next {
                if let spilled = try maps.spill.value(key), !body(spilled) { return }
                next = try maps.spill.key(after: key)
            }
        } catch {
            throw .bpf(error)
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (fa_host_spilled) -> Bool {
        let (address, realm) = try KeyText.host(key)
        return { $0.host.address.address == address && (realm == nil || $0.host.realm == realm) }
    }

    func entry(_ spilled: fa_host_spilled) -> MapEntry {
        let host = spilled.host
        var fields = spilled.extra.fields.filter { $0.key.hasSuffix("-sequence") }
        let idle = clock.age(of: host.last_seen, at: now)
        fields.merge(host.value.fields(beside: spilled.extra, idle: idle)) { _, other in other }
        return MapEntry(key: KeyText.host(HostKey(host.address.address, realm: host.realm)), fields: fields)
    }
}

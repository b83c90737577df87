import BPFKit
import FlowAnchorABI

/// `fa_admitted`: peers beside that of a host's entry. The key is `HOST,PEER`; a host alone names all of its peers.
struct AdmittedView: MapView {
    let maps: SharedMaps

    func scan(_ body: (fa_admitted_key) -> Bool) throws(DataPlaneError) {
        do throws(BPFError) {
            var next = try maps.admitted.key(after: nil)
            while let key = next {
                if !body(key) { return }
                next = try maps.admitted.key(after: key)
            }
        } catch {
            throw .bpf(error)
        }
    }

    func matcher(_ key: String) throws(DataPlaneError) -> (fa_admitted_key) -> Bool {
        let parts = key.split(separator: ",", maxSplits: 1, omittingEmptySubsequences: false)
        let host = try KeyText.address(parts[0])
        guard parts.count == 2 else { return { $0.host.address == host } }
        let peer = try KeyText.address(parts[1])
        return { $0.host.address == host && $0.peer.address == peer }
    }

    func entry(_ key: fa_admitted_key) -> MapEntry {
        let (host, peer) = (key.host.address, key.peer.address)
        return MapEntry(key: "\(host),\(peer)", fields: ["host": "\(host)", "peer": "\(peer)"])
    }
}

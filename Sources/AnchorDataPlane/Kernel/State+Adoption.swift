import BPFKit
import CAtomics
import FlowAnchorABI

extension KernelDataPlane.State {
    /// Learns from the tables what a former process knew: who names which path, and where tunnels end.
    mutating func adopt(_ maps: SharedMaps) throws(DataPlaneError) {
        configuration = DataPlaneConfiguration(maps.config[0])
        for path in configuration.namedPaths { paths.retain(path) }
        for index in 0..<Port.limit {
            guard let port = maps.ports[index].port else { continue }
            ports[PortIndex(index)] = port
            paths.adoptPort(PortIndex(index), port)
            paths.retain(port.nextUp)
            paths.retain(port.nextDown)
        }
        for index in 1..<maps.chains.count where maps.chains[index].flags == 0 {
            paths.retain(maps.chains[index].up)
            paths.retain(maps.chains[index].down)
        }
        for entry in paths.all {
            guard case .host(let port) = entry.specification.nextHop, entry.specification.encapsulation == nil,
                entry.specification.pathMTU == nil, port < Port.limit
            else { continue }
            hostPaths[Int(port)] = entry.index
            paths.retain(entry.index)
        }
        peers.repair { _ = ca_wait_for_programs() }
        peers.beginCount()
        try adoptHosts()
        adoptRouters(maps)
        peers.endCount()
        // Whoever had allowed them is gone, and with it when that was to end; who comes after it may allow them again.
        do throws(BPFError) {
            for key in try maps.admitted.keys() {
                formerlyAdmitted[key.host.address, default: []].insert(key.peer.address)
                try maps.admitted.remove(key)
            }
        } catch {
            throw .bpf(error)
        }
    }

    /// Paths and peers that hosts name. Peers are anywhere in memory: what several need is fetched before the first is
    /// looked for.
    private mutating func adoptHosts() throws(DataPlaneError) {
        var ahead: [HostRecord] = []
        ahead.reserveCapacity(Self.adoptedAtOnce)
        do throws(BPFError) {
            try hosts.scan(at: 0, idle: 0) { _, record, _ in
                if record.isTunnelled { peers.prefetch(record.value.peer) }
                ahead.append(record)
                guard ahead.count == Self.adoptedAtOnce else { return true }
                for record in ahead { remember(record) }
                ahead.removeAll(keepingCapacity: true)
                return true
            }
        } catch {
            throw .bpf(error)
        }
        for record in ahead { remember(record) }
    }

    private static var adoptedAtOnce: Int { 32 }
}

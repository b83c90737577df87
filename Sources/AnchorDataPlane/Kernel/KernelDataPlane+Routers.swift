import CAtomics
import FlowAnchorABI
import NetworkTypes

extension KernelDataPlane {
    /// Tells the programs of another router, changes it, or forgets it. Hosts name it by its index: whoever gives the
    /// index to another router has seen to it that no host does.
    ///
    /// Where a router that is there gets another address it is not in use for a moment, some milliseconds.
    /// - Parameters:
    ///   - index: 0…31.
    ///   - router: `nil` frees the index.
    /// - Throws: `invalid` for an index, path or address that can't be; `tableFull` where the far ends of tunnels have
    ///   no room for it.
    public func setRouter(_ index: Int, _ router: RouterEntry?) throws(DataPlaneError) {
        guard (0..<RouterEntry.limit).contains(index) else {
            throw .invalid("router \(index) is not within 0 and \(RouterEntry.limit - 1)")
        }
        let result = state.withLock { state in
            Result { () throws(DataPlaneError) in try state.setRouter(index, router, maps) }
        }
        try result.get()
    }

    /// Peers that a former process took tunnelled packets from, by host, beside those of the entries. They are allowed no
    /// more.
    public var formerlyAdmittedPeers: [IPAddress: Set<IPAddress>] { state.withLock { $0.formerlyAdmitted } }

    /// The other routers, by their indices.
    public var routers: [Int: RouterEntry] {
        state.withLock { _ in
            Dictionary(
                uniqueKeysWithValues: (0..<maps.routers.count).compactMap { index in
                    maps.routers[index].entry.map { (index, $0) }
                })
        }
    }
}

extension KernelDataPlane.State {
    fileprivate mutating func setRouter(
        _ index: Int, _ router: RouterEntry?, _ maps: SharedMaps
    ) throws(DataPlaneError) {
        let old = maps.routers[index].entry
        guard router != old else { return }
        if let router { try check(index, router, maps) }
        if let router, router.address == old?.address {
            write(router.path, index, maps)
        } else {
            if let router {
                peers.retain(fa_address(router.address))
                guard peers.setRouter(UInt32(index) + 1, at: fa_address(router.address)) else {
                    throw .tableFull(table: "peers", capacity: maps.peers.count)
                }
            }
            if let old { take(old, index, maps) }
            if let router {
                // A packet that reads the address must not find half of two.
                if old != nil { _ = ca_wait_for_programs() }
                maps.routers.pointer(to: index).storeBytes(of: fa_address(router.address), as: fa_address.self)
                write(router.path, index, maps)
            }
        }
        if let router { paths.retain(router.path) }
        if let old { paths.release(old.path) }
        writeCount(maps)
    }

    private func check(_ index: Int, _ router: RouterEntry, _ maps: SharedMaps) throws(DataPlaneError) {
        guard paths.exists(router.path) else {
            throw .invalid("router \(router.address): there is no path \(router.path)")
        }
        for other in 0..<maps.routers.count where other != index {
            guard maps.routers[other].entry?.address != router.address else {
                throw .invalid("router \(router.address) is number \(other) already")
            }
        }
    }

    /// Not in use any more from here on.
    private mutating func take(_ old: RouterEntry, _ index: Int, _ maps: SharedMaps) {
        peers.setRouter(0, at: fa_address(old.address))
        write(0, index, maps)
        peers.release(fa_address(old.address))
    }

    private func write(_ path: PathIndex, _ index: Int, _ maps: SharedMaps) {
        let place = maps.routers.pointer(to: index) + MemoryLayout<fa_router>.offset(of: \.path)!
        ca_store_release_u32(place, path)
    }

    /// Up to the last one that is in use.
    private func writeCount(_ maps: SharedMaps) {
        let last = (0..<maps.routers.count).last { maps.routers[$0].path != 0 }
        let place = maps.config.base + MemoryLayout<fa_config>.offset(of: \.router_count)!
        ca_store_release_u32(place, UInt32(last.map { $0 + 1 } ?? 0))
    }

    /// Routers that a former process has told of: their paths and peers are in use.
    mutating func adoptRouters(_ maps: SharedMaps) {
        for index in 0..<maps.routers.count {
            guard let router = maps.routers[index].entry else { continue }
            paths.retain(router.path)
            peers.retain(fa_address(router.address))
            peers.setRouter(UInt32(index) + 1, at: fa_address(router.address))
        }
        peers.checkRouters { number, address in
            Int(number) <= maps.routers.count
                && maps.routers[Int(number) - 1].entry?.address == address.address
        }
        writeCount(maps)
    }
}

extension fa_router {
    /// `nil` if it is not in use.
    var entry: RouterEntry? { path == 0 ? nil : RouterEntry(address: address.address, path: path) }
}

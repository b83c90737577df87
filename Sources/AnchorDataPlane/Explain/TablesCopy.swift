import BPFKit
import FlowAnchorABI
import NetworkTypes

/// The tables of a data plane for the model to walk through: what there is little of is copied as a whole, and of the
/// rest the entries that a walk has asked for.
struct TablesCopy {
    var tables = ModelDataPlane.Tables()
    /// What was found under each key that was asked for, as dumps of the maps have it.
    private var found: [LookUpTrace.Key: [String: String]?] = [:]
    let plane: KernelDataPlane
    let now: UInt32

    init(_ plane: KernelDataPlane) throws(DataPlaneError) {
        self.plane = plane
        now = try plane.tick()
        let paths = plane.state.withLock { state in
            (tables.ports, tables.configuration) = (state.ports, state.configuration)
            return state.paths.all
        }
        for path in paths {
            tables.paths[path.index] = path.specification
            tables.indices[path.specification] = path.index
            if case .neighbour = path.specification.nextHop, path.isResolved {
                let mac = MACAddress(plane.maps.paths[Int(path.index)].current.mac_destination)
                tables.resolutions[path.specification.nextHop] = NextHopResolution(destination: mac)
            }
        }
        tables.routers = plane.routers
        for index in 1..<plane.maps.chains.count {
            tables.chains[ChainIndex(index)] = plane.chain(ChainIndex(index))
        }
        let kernel = PathSpecification(nextHop: .kernel)
        if tables.configuration.routesByKernel, tables.indices[kernel] == nil {
            let index = 1 + (tables.paths.keys.max() ?? 0)
            (tables.paths[index], tables.indices[kernel]) = (kernel, index)
        }
        let secret = plane.maps.config[0].hash_secret
        tables.nat.secret = [secret.0, secret.1]
        tables.nat.slots = ModelNAT.Slots(buckets: Int(plane.nat.memory.translations.bucketMask) + 1)
    }

    /// Copies what was asked for and isn't there yet.
    /// - Returns: whether there was any such thing.
    mutating func fetch(_ keys: [LookUpTrace.Key]) throws(DataPlaneError) -> Bool {
        let missing = keys.filter { found[$0] == nil }
        for key in missing { found[key] = .some(try fetch(key)) }
        return !missing.isEmpty
    }

    /// What a walk has looked up, in words.
    func lookUps(_ keys: [LookUpTrace.Key]) -> [PacketExplanation.LookUp] {
        keys.compactMap { key in
            guard let (map, text) = key.entry(tables.configuration) else { return nil }
            return .init(map: map, key: text, found: found[key] ?? nil)
        }
    }

    private mutating func fetch(_ key: LookUpTrace.Key) throws(DataPlaneError) -> [String: String]? {
        switch key {
        case .host(let address): try fetchHost(HostKey(address))
        case .peer(let address): fetchPeer(address)
        case .admitted(let host, let peer): try fetchAdmitted(peer, of: host)
        case .router(let index): tables.routers[index].map(Self.fields)
        case .routerAt(let address):
            tables.routers.first { $0.value.address == address }.map { index, router in
                Self.fields(router).merging(["index": "\(index)"]) { first, _ in first }
            }
        case .chain(let index): plane.maps.chains[Int(index)].fields
        case .route(let destination, let path): route(destination, path)
        case .path(let index): Int(index) < plane.maps.paths.count ? plane.maps.paths[Int(index)].fields : nil
        case .flow(let tuple): fetchFlow(tuple)
        case .away(let tuple): fetchAway(tuple)
        case .answer(let tuple): fetchAnswer(tuple)
        case .subscriber(let inside): fetchSubscriber(inside)
        case .mapping(let key): fetchMapping(key)
        case .outsidePort(let port): fetchMapping(of: port)
        case .filter(let key): fetchFilter(key)
        case .ports(let key): fetchPorts(key)
        case .bucket(let index): fetchLoad(of: index)
        }
    }

    private static func fields(_ router: RouterEntry) -> [String: String] {
        ["address": "\(router.address)", "path": "\(router.path)"]
    }

    private func route(_ destination: IPAddress, _ path: PathIndex) -> [String: String]? {
        let routes = tables.configuration.routes.sorted { $0.prefix.length > $1.prefix.length }
        if let route = routes.first(where: { $0.prefix.contains(destination) }) {
            return ["route": "\(route.prefix)", "path": "\(path)"]
        }
        if tables.configuration.routesByKernel { return ["route": "the kernel's"] }
        return path == 0 ? nil : ["route": "default", "path": "\(path)"]
    }
}

// MARK: Hosts

extension TablesCopy {
    private mutating func fetchHost(_ key: HostKey) throws(DataPlaneError) -> [String: String]? {
        guard let slot = try hostSlot(key) else { return nil }
        let record = withUnsafePointer(to: slot.extra) { HostRecord(value: slot.value, extra: $0) }
        var host = ModelDataPlane.ModelHost(entry: record.entry(key), lastSeen: tables.now)
        host.transmitSequence = slot.extra.transmit_sequence
        if slot.extra.receive_sequence >> 32 != 0 {
            host.receiveSequence = UInt32(truncatingIfNeeded: slot.extra.receive_sequence)
        }
        tables.hosts[key] = host
        let idle = plane.clock.age(of: slot.host.last_seen, at: now)
        return slot.value.fields(beside: slot.extra, idle: idle)
    }

    private func hostSlot(_ key: HostKey) throws(DataPlaneError) -> HostSlot? {
        let maps = plane.maps
        let table = SlotTable<HostLayout>(
            slots: maps.hosts.base, capacity: maps.hosts.count, state: maps.hostState.base)
        let extras = maps.extras.base.assumingMemoryBound(to: fa_host_extra.self)
        let slotKey = HostLayout.Key(key)
        let hash = HashSecret(maps).hash(slotKey.address, realm: slotKey.realm)
        let slot = table.read(hash, slotKey) { slot, index, word in
            HostSlot(index: index, isShadowed: word.state == .shadowed, host: slot.pointee, extra: extras[index])
        }
        if let slot { return slot }
        guard table.spilled > 0 else { return nil }
        let spilled = try Result { () throws(BPFError) in try maps.spill.value(fa_host_key(key)) }.unwrapped()
        return spilled.map { HostSlot(index: 0, isShadowed: false, host: $0.host, extra: $0.extra) }
    }

    private mutating func fetchPeer(_ address: IPAddress) -> [String: String]? {
        let maps = plane.maps
        let table = SlotTable<PeerLayout>(
            slots: maps.peers.base, capacity: maps.peers.count, state: maps.peerState.base)
        let key = fa_address(address)
        guard let found = table.find(HashSecret(maps).hash(key), key) else { return nil }
        tables.peers.insert(address)
        let peer = table.slots[found.index]
        return ["users": "\(peer.users)"].merging(peer.router == 0 ? [:] : ["router": "\(peer.router - 1)"]) { $1 }
    }

    private mutating func fetchAdmitted(_ peer: IPAddress, of host: IPAddress) throws(DataPlaneError) -> [String:
        String]?
    {
        let key = fa_admitted_key(host: fa_address(host), peer: fa_address(peer))
        let value = try Result { () throws(BPFError) in try plane.maps.admitted.value(key) }.unwrapped()
        guard value != nil else { return nil }
        tables.admittedPeers[host, default: []].insert(peer)
        return ["host": "\(host)", "peer": "\(peer)"]
    }
}

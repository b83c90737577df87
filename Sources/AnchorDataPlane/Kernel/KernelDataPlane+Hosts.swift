import BPFKit
import FlowAnchorABI
import Glibc
import NetworkTypes

extension KernelDataPlane {
    public func setHost(_ entry: HostEntry) throws(DataPlaneError) {
        let tick = try tick()
        let result = state.withLock { state in
            Result { () throws(DataPlaneError) in try state.set(entry, tick: tick, maps) }
        }
        try result.get()
    }

    public func setHosts(_ entries: [HostEntry]) throws(DataPlaneError) {
        let tick = try tick()
        for start in stride(from: 0, to: entries.count, by: Self.entriesAtOnce) {
            try set(entries, start..<min(start + Self.entriesAtOnce, entries.count), tick)
        }
    }

    /// For so many the lock is held: a tenth of a millisecond.
    private static var entriesAtOnce: Int { 512 }
    /// So many entries before its turn a slot is fetched: memory takes longer than all the rest.
    private static var entriesAhead: Int { 16 }

    private func set(_ entries: [HostEntry], _ part: Range<Int>, _ tick: UInt32) throws(DataPlaneError) {
        let result = state.withLock { state in
            Result { () throws(DataPlaneError) in
                for place in part.prefix(Self.entriesAhead) { state.prefetch(entries[place]) }
                for place in part {
                    let ahead = place + Self.entriesAhead
                    if ahead < part.upperBound { state.prefetch(entries[ahead]) }
                    try state.set(entries[place], tick: tick, maps, isOfMany: true)
                }
            }
        }
        try result.get()
    }

    @discardableResult
    public func removeHost(_ key: HostKey) throws(DataPlaneError) -> Bool {
        try state.withLock { state in
            Result { () throws(BPFError) -> Bool in
                guard let old = try state.hosts.remove(key) else { return false }
                state.forget(old)
                return true
            }
        }.unwrapped()
    }

    public func host(_ key: HostKey) throws(DataPlaneError) -> HostEntry? {
        try state.withLock { state in
            Result { () throws(BPFError) in try state.hosts.record(key)?.entry(key) }
        }.unwrapped()
    }

    public func setAdmittedPeer(_ peer: IPAddress, of host: IPAddress, isAdmitted: Bool) throws(DataPlaneError) {
        let key = fa_admitted_key(host: fa_address(host), peer: fa_address(peer))
        try state.withLock { state in
            Result { () throws(BPFError) in
                guard isAdmitted else {
                    if try maps.admitted.remove(key) { state.admitted -= 1 }
                    return
                }
                do throws(BPFError) {
                    try maps.admitted.set(key, to: 0, mode: .create)
                    state.admitted += 1
                } catch {
                    // Admitted already.
                    guard error.code == EEXIST else { throw error }
                }
            }
        }.unwrapped()
    }

    public func scanHosts(_ body: (HostEntry, Duration) -> Bool) throws(DataPlaneError) {
        let now = try tick()
        // Without the lock: a scan reads only, and finds each entry whole.
        let hosts = HostTable(maps)
        do throws(BPFError) {
            try hosts.scan(at: now, idle: 0) { key, record, seen in
                body(record.entry(key), clock.age(of: seen, at: now))
            }
        } catch {
            throw .bpf(error)
        }
    }

    public func scanHosts(
        from place: Int, places count: Int, _ body: (HostEntry, Duration) -> Void
    ) throws(DataPlaneError) -> Int? {
        let now = try tick()
        let hosts = hostsToScan(from: place)
        do throws(BPFError) {
            return try hosts.scan(from: place, places: count) { key, record, seen in
                body(record.entry(key), clock.age(of: seen, at: now))
            }
        } catch {
            throw .bpf(error)
        }
    }

    public func scanHosts(
        seenWithin span: Duration, from place: Int, places count: Int, _ body: (IPAddress, Int64) -> Void
    ) throws(DataPlaneError) -> Int? {
        let now = try tick()
        let hosts = hostsToScan(from: place)
        do throws(BPFError) {
            let tick = clock.tick.nanoseconds
            return try hosts.scan(from: place, places: count, at: now, within: clock.ticks(in: span)) { address, seen in
                body(address, tick * Int64(max(0, Int32(bitPattern: now &- seen))))
            }
        } catch {
            throw .bpf(error)
        }
    }

    /// Slots are read without the lock; what is in the spill map is asked of who wrote it.
    private func hostsToScan(from place: Int) -> HostTable {
        place < maps.hosts.count ? HostTable(maps) : state.withLock { $0.hosts }
    }

    public func hosts(idleFor idle: Duration) throws(DataPlaneError) -> [HostKey] {
        let now = try tick()
        var found: [HostKey] = []
        do throws(BPFError) {
            try HostTable(maps).scan(at: now, idle: max(1, clock.ticks(in: idle))) { key, _, _ in
                found.append(key)
                return true
            }
        } catch {
            throw .bpf(error)
        }
        return found
    }

    public var hostTable: TableStatistics { state.withLock { $0.hosts.statistics } }

    func tick() throws(DataPlaneError) -> UInt32 {
        do throws(BPFError) {
            return try clock.now()
        } catch {
            throw .bpf(error)
        }
    }
}

extension KernelDataPlane.State {
    /// Mutating, though it changes nothing: a state that is only read is copied for it.
    @inline(__always)
    mutating func prefetch(_ entry: HostEntry) {
        hosts.prefetch(entry.key)
        // Where hosts were adopted most are as they were, and their peers are not looked at.
        if let tunnel = entry.tunnel, hosts.isGapless { peers.prefetch(fa_address(tunnel.peer)) }
    }

    @inline(__always)
    mutating func set(
        _ entry: HostEntry, tick: UInt32, _ maps: SharedMaps, isOfMany: Bool = false
    ) throws(DataPlaneError) {
        let record = HostRecord(entry, hostPath: try check(entry))
        let old: HostRecord?
        do throws(BPFError) {
            old =
                isOfMany
                ? try hosts.load(entry.key, record, tick: tick) : try hosts.set(entry.key, record, tick: tick)
        } catch {
            if error.code == E2BIG || error.code == ENOMEM || error.code == ENOSPC {
                throw .tableFull(table: "hosts", capacity: maps.hosts.count)
            }
            throw .bpf(error)
        }
        if let old, old == record { return }
        remember(record)
        if let old { forget(old) }
    }

    /// - Returns: the path to hosts on the attachment's port.
    @inline(__always)
    private mutating func check(_ entry: HostEntry) throws(DataPlaneError) -> PathIndex {
        if let tunnel = entry.tunnel, tunnel.path != 0, !paths.exists(tunnel.path) {
            throw .invalid("host \(entry.key.address): there is no path \(tunnel.path)")
        }
        if entry.previous != 0 { try Self.checkPrevious(entry) }
        guard let attachment = entry.attachment else { return 0 }
        guard attachment.port < Port.limit else {
            throw .invalid("host \(entry.key.address): port \(attachment.port) is above \(Port.limit - 1)")
        }
        let known = hostPaths[Int(attachment.port)]
        if known != 0 { return known }
        let path = try paths.index(for: PathSpecification(nextHop: .host(port: attachment.port)))
        // Held by the port itself: hosts come and go.
        paths.retain(path)
        hostPaths[Int(attachment.port)] = path
        return path
    }

    private static func checkPrevious(_ entry: HostEntry) throws(DataPlaneError) {
        let hasKey = if case .gre = entry.tunnel?.kind { true } else { false }
        guard entry.isUnaware, !hasKey, entry.previous <= FA_ROUTER_LIMIT else {
            throw .invalid("host \(entry.key.address): router \(entry.previous) can't be the one that it was at before")
        }
    }

    @inline(__always)
    mutating func remember(_ record: HostRecord) {
        paths.retain(record.value.path)
        paths.retain(record.neighbourPath)
        if record.isTunnelled { peers.retain(record.value.peer) }
    }

    @inline(__always)
    mutating func forget(_ record: HostRecord) {
        paths.release(record.value.path)
        if record.isBoth { paths.release(record.neighbourPath) }
        if record.isTunnelled { peers.release(record.value.peer) }
    }
}

extension Result where Failure == BPFError {
    /// The value, or the error as the data plane's.
    func unwrapped() throws(DataPlaneError) -> Success {
        switch self {
        case .success(let value): return value
        case .failure(let error): throw .bpf(error)
        }
    }
}

import BPFKit
import CAtomics
import FlowAnchorABI

extension KernelDataPlane {
    /// Entries of a map that are in use; bytes that wait, of a ring buffer. Nothing in the packets' way counts them:
    /// the tables keep a number of their own, and the small maps are looked through.
    /// - Returns: `nil` for a map that has always the same entries.
    public func entriesInUse(of map: DataPlaneMap) throws(DataPlaneError) -> Int? {
        switch map {
        case .hosts, .hostExtras:
            // One beside the other, under the same index.
            let table = hostTable
            return table.entries - table.spilled
        case .hostSpill: return hostTable.spilled
        case .peers: return Self.count(maps.peerState[0].live)
        case .flows: return Self.count(try flowTableState().live)
        case .translations: return nat.translations.entries
        case .subscribers: return nat.subscribers.entries
        case .admitted: return state.withLock { $0.admitted }
        case .paths: return state.withLock { $0.paths.count }
        case .routers: return (0..<maps.routers.count).count { maps.routers[$0].path != 0 }
        case .ports: return state.withLock { $0.ports.count }
        case .chains: return try count(ChainsView(maps: maps))
        case .devices: return try count(DevicesView(maps: maps))
        case .duplicates:
            let view = DuplicatesView(maps: maps, clock: clock, now: try quarterTick())
            return (0..<maps.duplicates.count).count { view.isInUse($0) }
        case .events: return Int(try eventPositions().waiting)
        case .configuration, .hostState, .peerState, .flowState, .translationState, .subscriberState, .natBlocks,
            .natPorts, .natFragments, .natWork, .deferred, .elsewhere, .reasons, .limits, .kernelPath:
            return nil
        }
    }

    /// Inserts that found both their buckets full, since the table was made: what is in the spill map or was, and in a
    /// table without one, what is not recorded.
    /// - Returns: `nil` for what is no such table.
    public func overflowed(of map: DataPlaneMap) throws(DataPlaneError) -> UInt64? {
        switch map {
        case .hosts: maps.hostState[0].overflowed
        case .peers: maps.peerState[0].overflowed
        case .flows: try flowTableState().overflowed
        case .translations: maps.translationState[0].overflowed
        case .subscribers: maps.subscriberState[0].overflowed
        default: nil
        }
    }

    /// A table's own number of entries. One that a killed writer has left wrong must not stop the daemon.
    private static func count(_ live: UInt64) -> Int { max(0, Int(Int64(bitPattern: live))) }

    private func count(_ view: some MapView) throws(DataPlaneError) -> Int {
        var count = 0
        try view.scan { _ in
            count += 1
            return true
        }
        return count
    }
}

import BPFKit
import FlowAnchorABI

extension KernelDataPlane {
    /// The maps that this instance has.
    public var inspectedMaps: [DataPlaneMap] { DataPlaneMap.allCases.filter { maps.handles[$0.rawValue] != nil } }

    /// Entries of a map in words.
    ///
    /// - Parameters:
    ///   - key: only those that it names, in the form of ``MapEntry/key``; a part of it where that still has a meaning.
    ///   - limit: at most so many.
    /// - Throws: `invalid` if the key can't be one of this map, or these programs have no such map.
    public func entries(
        of map: DataPlaneMap, key: String? = nil, limit: Int
    ) throws(DataPlaneError) -> [MapEntry] {
        try view(of: map).entries(key: key, limit: limit)
    }

    private func view(of map: DataPlaneMap) throws(DataPlaneError) -> any MapView {
        switch map {
        case .configuration: ConfigurationView(maps: maps)
        case .ports: PortsView(maps: maps)
        case .chains: ChainsView(maps: maps)
        case .paths: PathsView(maps: maps)
        case .hosts: HostsView(maps: maps, clock: clock, now: try tick())
        case .hostExtras: HostExtrasView(maps: maps)
        case .hostState: TableStateView(state: maps.hostState[0])
        case .hostSpill: HostSpillView(maps: maps, clock: clock, now: try tick())
        case .peers: PeersView(maps: maps)
        case .peerState: TableStateView(state: maps.peerState[0])
        case .routers: RoutersView(maps: maps)
        case .admitted: AdmittedView(maps: maps)
        case .duplicates: DuplicatesView(maps: maps, clock: clock, now: try quarterTick())
        case .translations: TranslationsView(nat: nat, clock: clock, now: try tick())
        case .translationState: TableStateView(state: maps.translationState[0])
        case .subscribers: SubscribersView(nat: nat)
        case .subscriberState: TableStateView(state: maps.subscriberState[0])
        case .natBlocks: PortBlocksView(nat: nat, configuration: configuration)
        case .natPorts: OutsidePortsView(nat: nat, configuration: configuration)
        case .natFragments: FragmentsView(maps: maps, clock: clock, now: try tick())
        case .elsewhere: ElsewhereView(maps: maps)
        case .natWork, .deferred: ScratchView(map: try description(of: map))
        case .reasons: ReasonsView(maps: maps)
        case .limits: LimitsView(maps: maps, clock: clock, now: try tick())
        case .kernelPath: KernelPathView(maps: maps)
        case .events: EventRingView(positions: try eventPositions())
        case .devices: DevicesView(maps: maps)
        case .flows: FlowsView(table: try flowTable(), clock: clock, now: try tick())
        case .flowState: TableStateView(state: try flowTableState())
        }
    }

    func eventPositions() throws(DataPlaneError) -> BPFRingPositions {
        guard let ring = maps.handles[DataPlaneMap.events.rawValue] else {
            throw .invalid("these programs report no events")
        }
        return try Result { () throws(BPFError) in try ring.ringPositions() }.unwrapped()
    }

    func flowTableState() throws(DataPlaneError) -> fa_table_state {
        guard let handle = maps.handles[DataPlaneMap.flowState.rawValue] else {
            throw .invalid("instance \(options.instance) is not a mobile node's: it has no flow table")
        }
        return try Result { () throws(BPFError) in
            let map: BPFMap<UInt32, fa_table_state> = try handle.typed()
            return try map.value(0) ?? fa_table_state()
        }.unwrapped()
    }

    private func description(of map: DataPlaneMap) throws(DataPlaneError) -> BPFMapDescription {
        guard let handle = maps.handles[map.rawValue] else {
            throw .invalid("instance \(options.instance) has no map \(map.rawValue): it is a mobile node's")
        }
        return handle.description
    }

    func quarterTick() throws(DataPlaneError) -> UInt16 {
        try Result { () throws(BPFError) in try clock.duplicateTime() }.unwrapped()
    }
}

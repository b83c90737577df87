/// The maps of the programs, by their names in C (`BPF/include/maps.h`, `BPF/include/mobile_maps.h`). Most of
/// them belong to both roles; the flow table is a mobile node's, what translates packets a router's.
public enum DataPlaneMap: String, Hashable, Sendable, CaseIterable {
    case configuration = "fa_config"
    case ports = "fa_ports"
    case chains = "fa_chains"
    case paths = "fa_paths"
    case hosts = "fa_hosts"
    case hostExtras = "fa_hosts_extra"
    case hostState = "fa_hosts_state"
    case hostSpill = "fa_hosts_spill"
    case peers = "fa_peers"
    case peerState = "fa_peers_state"
    case routers = "fa_routers"
    case admitted = "fa_admitted"
    case duplicates = "fa_duplicates"
    case translations = "fa_translations"
    case translationState = "fa_translations_state"
    case elsewhere = "fa_translations_elsewhere"
    case subscribers = "fa_subscribers"
    case subscriberState = "fa_subscribers_state"
    case natBlocks = "fa_nat_blocks"
    case natPorts = "fa_nat_ports"
    case natFragments = "fa_nat_fragments"
    case natWork = "fa_nat_work"
    case deferred = "fa_deferred"
    case reasons = "fa_reasons"
    case limits = "fa_limits"
    case kernelPath = "fa_kernel_path"
    case events = "fa_events"
    case devices = "fa_devices"
    case flows = "fa_flows"
    case flowState = "fa_flows_state"

    /// Whether something is refused, or not recorded, once the map is full. Of the others some have always the same
    /// entries, some are as full as another one, and some are emptied or written over.
    public var refusesWhenFull: Bool {
        switch self {
        case .ports, .chains, .paths, .hosts, .hostSpill, .routers, .admitted, .flows, .translations, .subscribers: true
        case .configuration, .hostExtras, .hostState, .peers, .peerState, .duplicates, .translationState,
            .subscriberState, .natBlocks, .natPorts, .natFragments, .natWork, .deferred, .elsewhere, .reasons, .limits,
            .kernelPath,
            .events, .devices, .flowState:
            false
        }
    }
}

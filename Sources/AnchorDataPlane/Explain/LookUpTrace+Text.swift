import FlowAnchorABI
import NetworkTypes

extension LookUpTrace.Key {
    /// The map that it is looked up in, and the key as that map's dump has it; `nil` for what is no look-up of its own.
    func entry(_ configuration: DataPlaneConfiguration) -> (DataPlaneMap, String)? {
        func translation(_ kind: UInt8, _ tuple: ModelNAT.Tuple) -> (DataPlaneMap, String) {
            (.translations, KeyText.translation(fa_nat_key(kind, tuple)))
        }
        switch self {
        case .host(let address): return (.hosts, "\(address)")
        case .peer(let address): return (.peers, "\(address)")
        case .admitted(let host, let peer): return (.admitted, "\(host),\(peer)")
        case .router(let index): return (.routers, "\(index)")
        case .routerAt(let address): return (.routers, "\(address)")
        case .chain(let index): return (.chains, "\(index)")
        case .route(let destination, _): return (.configuration, "\(destination)")
        case .path(let index): return (.paths, "\(index)")
        case .flow(let tuple): return translation(NATKind.up, tuple)
        case .away(let tuple): return translation(NATKind.away, tuple)
        case .answer(let tuple): return translation(NATKind.down, tuple)
        case .mapping(let key): return translation(NATKind.mapping, key.slot.tuple)
        case .filter(let key): return translation(NATKind.filter, key.slot.tuple)
        case .subscriber(let inside): return (.subscribers, "\(inside)")
        case .outsidePort(let port):
            let transport = KeyText.transport(port.transport.rawValue)
            return (.natPorts, "\(transport),\(port.outside.address):\(port.outside.port)")
        case .ports(let key):
            let address = configuration.outside.address(number: key.block.outside).map { "\($0)" }
            return (.natBlocks, "\(address ?? "#\(key.block.outside)"):\(key.block.ports.lowerBound)")
        case .bucket: return nil
        }
    }
}

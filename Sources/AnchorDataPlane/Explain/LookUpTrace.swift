import NetworkTypes
import Synchronization

/// What a walk through the model looks up, in order: what has to be in a copy of the tables for the walk to go there as
/// it does in the kernel, and what an explanation shows.
final class LookUpTrace: Sendable {
    enum Key: Hashable {
        case host(IPAddress)
        /// Whether any tunnel ends there.
        case peer(IPAddress)
        case admitted(host: IPAddress, peer: IPAddress)
        /// Another router, by its index, or by its end of the tunnel.
        case router(Int)
        case routerAt(IPAddress)
        case chain(ChainIndex)
        /// A destination, and the path that was found.
        case route(IPAddress, PathIndex)
        case path(PathIndex)
        /// Flows by their packets from the host, and by those from the core.
        case flow(ModelNAT.Tuple)
        case away(ModelNAT.Tuple)
        case answer(ModelNAT.Tuple)
        case subscriber(IPAddress)
        case mapping(ModelNAT.MappingKey)
        case outsidePort(ModelNAT.OutsidePort)
        case filter(ModelNAT.FilterKey)
        /// Which ports of a block are taken.
        case ports(ModelNAT.Ports.Key)
        /// How full a bucket of the table of translations is.
        case bucket(Int)
    }

    private let seen = Mutex<[Key]>([])

    /// Each once, where it was looked up first.
    var keys: [Key] { seen.withLock { $0 } }

    func note(_ key: Key) {
        seen.withLock { seen in
            if !seen.contains(key) { seen.append(key) }
        }
    }
}

import FlowAnchorABI
import NetworkTypes

/// Another access router that hosts are shared with which know nothing of either [0079] [0080].
public struct RouterEntry: Hashable, Sendable {
    /// Its end of the tunnel.
    public var address: IPAddress
    /// Leads through a tunnel whose other end stands in the entry: ``Encapsulation/destination`` is `nil`.
    public var path: PathIndex

    public init(address: IPAddress, path: PathIndex) {
        self.address = address
        self.path = path
    }

    /// Routers that there can be: ``HostEntry/anchors`` has a bit for each.
    public static let limit = Int(FA_ROUTER_LIMIT)
}

import NetworkTypes

/// What a router does with the packets of one host that knows nothing: its entry in the host table, replaced in one
/// step. The names are those of other routers, as in their certificates.
public struct RoamingBinding: Hashable, Sendable {
    public enum Place: Hashable, Sendable {
        /// On an access link. While it is claimed its own packets are held.
        case here(Neighbour, isClaimed: Bool)
        /// At that router.
        case away(at: String)
    }

    public var address: IPAddress
    /// Of its location: one more at each move. 0 while it is claimed and nothing is known of it.
    public var epoch: UInt32
    public var place: Place
    /// Here: routers that packets in tunnels are taken from for it. Away: none.
    public var anchors: Set<String>
    /// Where packets go that this router knows no flow for.
    public var previous: String?
    /// Away: packets from its place of flows that aren't known here begin none here [0083].
    public var isAsked: Bool
    /// Away: routers that packets in tunnels are taken from for it beside the one that it is at.
    public var alsoAcceptedFrom: Set<String>

    public init(
        address: IPAddress, epoch: UInt32, place: Place, anchors: Set<String> = [], previous: String? = nil,
        isAsked: Bool = false, alsoAcceptedFrom: Set<String> = []
    ) {
        self.address = address
        self.epoch = epoch
        self.place = place
        self.anchors = anchors
        self.previous = previous
        self.isAsked = isAsked
        self.alsoAcceptedFrom = alsoAcceptedFrom
    }
}

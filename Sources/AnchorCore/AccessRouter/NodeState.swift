import AnchorProtocol

/// What a router knows of a node that may attach.
struct NodeState: Sendable {
    let account: NodeAccount
    let association: SecurityAssociation
    var window = ReplayWindow()
    /// Its hosts' chain.
    var firstHost = HostStore.none
    var hostCount = 0

    /// The key of GRE packets between the node and this router: a demultiplexer, no secret (T11).
    var greKey: UInt32 { UInt32(truncatingIfNeeded: account.id ^ account.id >> 32) }
}

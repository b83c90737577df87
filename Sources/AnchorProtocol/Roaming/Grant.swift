/// The receiver has the host from this epoch on: the answer of the router that had it to a ``Claim`` [0080].
///
///     address | realm? | epoch | anchor{0,32} | pending{0,32} | partial?
public struct Grant: Hashable, Sendable {
    public var host: RoamingHost
    public var epoch: UInt32
    /// Routers that flows of the host began at and may be alive at, the sender among them.
    public var anchors: [String]
    /// Routers whose tables of flows the receiver has to wait for, each sends its own; in the order in which they are
    /// asked about a flow that isn't known.
    public var pending: [String]

    /// From a router with flows of the host that can't reach the one that had it: it speaks for itself only, and others
    /// may do so too [0084].
    public var isPartial: Bool

    /// No table of flows follows.
    public var isWhole: Bool { pending.isEmpty }

    public init(
        host: RoamingHost, epoch: UInt32, anchors: [String], pending: [String], isPartial: Bool = false
    ) {
        self.host = host
        self.epoch = epoch
        self.anchors = anchors
        self.pending = pending
        self.isPartial = isPartial
    }

    init(_ payload: [UInt8]) throws(RoamingMessageError) {
        let fields = try RoamingFields(
            payload, .grant,
            [PeerOptionType.epoch, PeerOptionType.anchor, PeerOptionType.pending, PeerOptionType.partial])
        self.init(
            host: try fields.host, epoch: try fields.epoch, anchors: fields.anchors, pending: fields.pending,
            isPartial: fields.isPartial)
    }

    var encoded: [UInt8] {
        RoamingFields.encoded(host) { writer in
            writer.option(PeerOptionType.epoch, u32: epoch)
            writer.options(PeerOptionType.anchor, names: anchors)
            writer.options(PeerOptionType.pending, names: pending)
            if isPartial { writer.option(PeerOptionType.partial, length: 0) }
        }
    }
}

/// Where a host is now, from the router that it was at to those that flows of it began at [0081].
///
///     address | realm? | epoch | name | pending{0,32} | anchors told?
public struct Moved: Hashable, Sendable {
    public var host: RoamingHost
    public var epoch: UInt32
    /// The router that it is at; the sender itself where only the epoch is another.
    public var to: String
    /// As in the ``Grant``. A router that is in it sends its table, and passes packets of flows that it doesn't know
    /// to the next one.
    public var pending: [String]
    /// All anchors know the new place, so that flows of all of them may be sent there.
    public var areAnchorsTold: Bool

    public init(host: RoamingHost, epoch: UInt32, to: String, pending: [String], areAnchorsTold: Bool = false) {
        self.host = host
        self.epoch = epoch
        self.to = to
        self.pending = pending
        self.areAnchorsTold = areAnchorsTold
    }

    init(_ payload: [UInt8]) throws(RoamingMessageError) {
        let fields = try RoamingFields(
            payload, .moved,
            [PeerOptionType.epoch, PeerOptionType.name, PeerOptionType.pending, PeerOptionType.anchorsTold])
        self.init(
            host: try fields.host, epoch: try fields.epoch, to: try fields.name, pending: fields.pending,
            areAnchorsTold: fields.areAnchorsTold)
    }

    var encoded: [UInt8] {
        RoamingFields.encoded(host) { writer in
            writer.option(PeerOptionType.epoch, u32: epoch)
            writer.option(PeerOptionType.name, name: to)
            writer.options(PeerOptionType.pending, names: pending)
            if areAnchorsTold { writer.option(PeerOptionType.anchorsTold, length: 0) }
        }
    }
}

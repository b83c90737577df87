/// No flow of the host is left at the sender, where some began: it wants to forget the host.
///
///     address | realm? | epoch
public struct HostRelease: Hashable, Sendable {
    public var host: RoamingHost
    public var epoch: UInt32

    public init(host: RoamingHost, epoch: UInt32) {
        self.host = host
        self.epoch = epoch
    }

    init(_ payload: [UInt8]) throws(RoamingMessageError) {
        let fields = try RoamingFields(payload, .release, [PeerOptionType.epoch])
        self.init(host: try fields.host, epoch: try fields.epoch)
    }

    var encoded: [UInt8] {
        RoamingFields.encoded(host) { $0.option(PeerOptionType.epoch, u32: epoch) }
    }
}

/// What several messages are: a host, and the epoch that they are about. Their type says what becomes of it.
///
///     address | realm? | epoch
public struct HostEpoch: Hashable, Sendable {
    public var host: RoamingHost
    public var epoch: UInt32

    public init(host: RoamingHost, epoch: UInt32) {
        self.host = host
        self.epoch = epoch
    }

    /// - Parameter type: of the message, for what is wrong with it.
    init(_ payload: [UInt8], _ type: RoamingMessageType) throws(RoamingMessageError) {
        let fields = try RoamingFields(payload, type, [PeerOptionType.epoch])
        self.init(host: try fields.host, epoch: try fields.epoch)
    }

    var encoded: [UInt8] {
        RoamingFields.encoded(host) { $0.option(PeerOptionType.epoch, u32: epoch) }
    }
}

/// The host of a ``Claim`` is attached to the sender: it came there later, or another station has its address.
///
///     address | realm? | epoch | age
public struct Held: Hashable, Sendable {
    public var host: RoamingHost
    public var epoch: UInt32
    /// Milliseconds since it was attached to the sender.
    public var age: UInt32

    public init(host: RoamingHost, epoch: UInt32, age: UInt32) {
        self.host = host
        self.epoch = epoch
        self.age = age
    }

    init(_ payload: [UInt8]) throws(RoamingMessageError) {
        let fields = try RoamingFields(payload, .held, [PeerOptionType.epoch, PeerOptionType.age])
        self.init(host: try fields.host, epoch: try fields.epoch, age: try fields.age)
    }

    var encoded: [UInt8] {
        RoamingFields.encoded(host) { writer in
            writer.option(PeerOptionType.epoch, u32: epoch)
            writer.option(PeerOptionType.age, u32: age)
        }
    }
}

import NetworkTypes

/// A host is attached to the sender [0085].
///
///     address | realm? | epoch | age | link address
public struct Claim: Hashable, Sendable {
    public var host: RoamingHost
    /// The highest epoch of the host that the sender knows; 0 for none.
    public var knownEpoch: UInt32
    /// Milliseconds since it was attached; 0 for just now, the largest value for longer than is known.
    public var age: UInt32
    /// The station that has it.
    public var mac: MACAddress

    public init(host: RoamingHost, knownEpoch: UInt32, age: UInt32, mac: MACAddress) {
        self.host = host
        self.knownEpoch = knownEpoch
        self.age = age
        self.mac = mac
    }

    init(_ payload: [UInt8]) throws(RoamingMessageError) {
        let fields = try RoamingFields(
            payload, .claim, [PeerOptionType.epoch, PeerOptionType.age, OptionType.linkAddress])
        self.init(
            host: try fields.host, knownEpoch: try fields.knownEpoch, age: try fields.age, mac: try fields.mac)
    }

    var encoded: [UInt8] {
        RoamingFields.encoded(host) { writer in
            writer.option(PeerOptionType.epoch, u32: knownEpoch)
            writer.option(PeerOptionType.age, u32: age)
            writer.option(OptionType.linkAddress, mac: mac)
        }
    }
}

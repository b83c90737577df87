import NetworkTypes

/// A host has moved to the receiver, and its station had other addresses at the sender: most likely that one has come
/// with all of them, also with those that it does not send from at the moment and that packets are on their way to.
///
///     address | realm? | link address | other{0,32}
public struct Station: Hashable, Sendable {
    /// Addresses in one message.
    public static let mostOthers = 32

    /// The host that has moved.
    public var host: RoamingHost
    public var mac: MACAddress
    public var others: [IPAddress]

    public init(host: RoamingHost, mac: MACAddress, others: [IPAddress]) {
        self.host = host
        self.mac = mac
        self.others = others
    }

    init(_ payload: [UInt8]) throws(RoamingMessageError) {
        guard payload.count <= RoamingFields.longest else {
            throw .payloadLength(.station, length: payload.count)
        }
        var address: IPAddress?
        var realm: UInt32?
        var mac: MACAddress?
        var others: [IPAddress] = []
        do throws(MessageError) {
            try payload.withRawBytes { (raw) throws(MessageError) in
                var options = OptionReader(raw, in: 0..<raw.count)
                while let option = try options.next() {
                    switch option.type {
                    case OptionType.address: try address.setOnce(try option.hostAddress(), option)
                    case PeerOptionType.realm: try realm.setOnce(try option.u32(), option)
                    case OptionType.linkAddress: try mac.setOnce(try option.linkAddress(), option)
                    case PeerOptionType.other:
                        try option.append(try option.hostAddress(), to: &others, limit: Self.mostOthers)
                    default: try option.skip()
                    }
                }
            }
        } catch {
            throw .option(error)
        }
        guard let address else { throw .missingOption(.station, type: OptionType.address) }
        guard let mac else { throw .missingOption(.station, type: OptionType.linkAddress) }
        self.init(host: RoamingHost(address, realm: realm ?? 0), mac: mac, others: others)
    }

    var encoded: [UInt8] {
        precondition(others.count <= Self.mostOthers)
        return RoamingFields.encoded(host) { writer in
            writer.option(OptionType.linkAddress, mac: mac)
            for other in others { writer.option(PeerOptionType.other, address: other) }
        }
    }
}

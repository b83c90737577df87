import NetworkTypes

/// The anchor has the new location on stable storage and in force.
///
///     header | in-reply-to | address | tunnel? | lifetime | authenticator
public struct LocationAck: Hashable, Sendable {
    public var inReplyTo: MessageReference
    /// oM.
    public var address: IPAddress
    /// The tunnel in use; `nil` where the node is attached and nowhere else.
    public var tunnel: TunnelParameters?
    /// Seconds until the binding ends unless it is refreshed.
    public var lifetime: UInt32

    public init(inReplyTo: MessageReference, address: IPAddress, tunnel: TunnelParameters?, lifetime: UInt32) {
        self.inReplyTo = inReplyTo
        self.address = address
        self.tunnel = tunnel
        self.lifetime = lifetime
    }
}

extension LocationAck {
    init(_ options: inout OptionReader, _ frame: MessageFrame) throws(MessageError) {
        var inReplyTo: MessageReference?
        var address: IPAddress?
        var tunnel: TunnelParameters?
        var lifetime: UInt32?
        while let option = try options.next() {
            switch option.type {
            case OptionType.inReplyTo: try inReplyTo.setOnce(try option.reference(), option)
            case OptionType.address: try address.setOnce(try option.hostAddress(), option)
            case OptionType.tunnel: try tunnel.setOnce(try option.tunnel(), option)
            case OptionType.lifetime: try lifetime.setOnce(try option.u32(), option)
            default: try option.skip()
            }
        }
        self.init(
            inReplyTo: try inReplyTo.required(OptionType.inReplyTo, of: .locationAck),
            address: try address.required(OptionType.address, of: .locationAck), tunnel: tunnel,
            lifetime: try lifetime.required(OptionType.lifetime, of: .locationAck))
    }

    func encode(to writer: inout MessageWriter) {
        writer.option(OptionType.inReplyTo, reference: inReplyTo)
        writer.option(OptionType.address, address: address)
        if let tunnel { writer.option(OptionType.tunnel, tunnel: tunnel) }
        writer.option(OptionType.lifetime, u32: lifetime)
    }
}

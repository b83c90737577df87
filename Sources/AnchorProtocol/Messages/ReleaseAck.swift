import NetworkTypes

/// The anchor has no entry of the address any more: it removed it, or had none.
///
///     header | in-reply-to | address | authenticator
public struct ReleaseAck: Hashable, Sendable {
    public var inReplyTo: MessageReference
    /// oM.
    public var address: IPAddress

    public init(inReplyTo: MessageReference, address: IPAddress) {
        self.inReplyTo = inReplyTo
        self.address = address
    }
}

extension ReleaseAck {
    init(_ options: inout OptionReader, _ frame: MessageFrame) throws(MessageError) {
        var inReplyTo: MessageReference?
        var address: IPAddress?
        while let option = try options.next() {
            switch option.type {
            case OptionType.inReplyTo: try inReplyTo.setOnce(try option.reference(), option)
            case OptionType.address: try address.setOnce(try option.hostAddress(), option)
            default: try option.skip()
            }
        }
        self.init(
            inReplyTo: try inReplyTo.required(OptionType.inReplyTo, of: .releaseAck),
            address: try address.required(OptionType.address, of: .releaseAck))
    }

    func encode(to writer: inout MessageWriter) {
        writer.option(OptionType.inReplyTo, reference: inReplyTo)
        writer.option(OptionType.address, address: address)
    }
}

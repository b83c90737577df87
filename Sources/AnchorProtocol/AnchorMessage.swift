/// A message of the anchor protocol: one UDP datagram.
///
/// Sending: `message.encoded(with: key)`. Receiving: `KeyRing.open(_:as:)`, which checks the authenticator before it
/// reads any further than the header.
public struct AnchorMessage: Hashable, Sendable {
    public var header: MessageHeader
    public var body: MessageBody

    public init(_ header: MessageHeader, _ body: MessageBody) {
        self.header = header
        self.body = body
    }

    /// The UDP port of routers and nodes alike.
    public static let port: UInt16 = 4346

    /// The datagram.
    /// - Parameter association: the key of the header's SPI; `nil` where that is 0. Anything else is a bug and traps, as
    ///   is a body that holds more than its type allows.
    public func encoded(with association: SecurityAssociation?) -> [UInt8] {
        withUnsafeTemporaryAllocation(byteCount: MessageHeader.longestMessage, alignment: 8) { buffer in
            var writer = MessageWriter(buffer)
            write(to: &writer, association)
            return [UInt8](writer.written)
        }
    }

    /// The datagram, no larger than what it answers (T7): the text of an error is cut until it fits.
    /// - Returns: `nil` where nothing that small says it.
    public func encoded(with association: SecurityAssociation?, noLongerThan limit: Int) -> [UInt8]? {
        var bytes = encoded(with: association)
        if bytes.count > limit, case .error(var error) = body {
            let room = error.text.utf8.count - (bytes.count - limit)
            error.text = room > 0 ? error.text.prefix(utf8Count: room) : ""
            bytes = AnchorMessage(header, .error(error)).encoded(with: association)
        }
        return bytes.count <= limit ? bytes : nil
    }

    private func write(to writer: inout MessageWriter, _ association: SecurityAssociation?) {
        precondition(header.spi == association?.spi ?? 0, "the key is not that of the header's SPI")
        precondition(header.epoch != 0, "epochs begin at 1")
        writer.put(MessageHeader.magic)
        writer.put(MessageHeader.version)
        writer.put(body.type.rawValue)
        writer.put(body.flags)
        writer.put(UInt16(0))
        writer.put(header.spi)
        writer.put(header.epoch)
        writer.put(header.sequence)
        writer.put(header.sender)
        writer.put(header.recipient)
        let trailer = association == nil ? 0 : SecurityAssociation.authenticatorLength
        body.encode(to: &writer, trailer: trailer)
        writer.put(UInt16(writer.count + trailer), at: 6)
        if let association {
            association.authenticator(of: writer.written).withUnsafeBytes { writer.put(bytes: $0) }
        }
    }
}

extension MessageBody {
    var flags: UInt16 {
        switch self {
        case .attachRequest(let message): message.flags
        case .locationUpdate(let message): message.flags
        case .solicit, .advertise, .attachReply, .locationAck, .release, .releaseAck, .error: 0
        }
    }

    /// - Parameter trailer: bytes of the authenticator that will follow.
    func encode(to writer: inout MessageWriter, trailer: Int) {
        switch self {
        case .solicit(let message): message.encode(to: &writer, trailer: trailer)
        case .advertise(let message): message.encode(to: &writer)
        case .attachRequest(let message): message.encode(to: &writer, trailer: trailer)
        case .attachReply(let message): message.encode(to: &writer)
        case .locationUpdate(let message): message.encode(to: &writer, trailer: trailer)
        case .locationAck(let message): message.encode(to: &writer)
        case .release(let message): message.encode(to: &writer, trailer: trailer)
        case .releaseAck(let message): message.encode(to: &writer)
        case .error(let message): message.encode(to: &writer)
        }
    }
}

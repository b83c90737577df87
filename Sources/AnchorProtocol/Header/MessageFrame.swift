/// A datagram whose header was read: who says what kind of thing to whom, and where the options and the
/// authenticator are. Enough to limit rates and to answer with an error before any cryptography (T19).
public struct MessageFrame: Hashable, Sendable {
    public let header: MessageHeader
    public let type: MessageType
    /// Bits 0–15; those that the type does not define are ignored on receipt and 0 when sent.
    public let flags: UInt16
    /// Bytes of the whole message.
    public let length: Int

    public init(_ bytes: [UInt8]) throws(MessageError) {
        self = try bytes.withRawBytes { (raw) throws(MessageError) in try MessageFrame(raw) }
    }

    init(_ bytes: UnsafeRawBufferPointer) throws(MessageError) {
        guard bytes.count >= MessageHeader.length else {
            throw .tooShort(count: bytes.count, needed: MessageHeader.length)
        }
        let magic = bytes.bigEndian(UInt16.self, at: 0)
        guard magic == MessageHeader.magic else { throw .badMagic(magic) }
        guard bytes.count <= MessageHeader.longestMessage else { throw .tooLong(count: bytes.count) }
        guard bytes[2] == MessageHeader.version else { throw .unsupportedVersion(bytes[2]) }
        guard let type = MessageType(rawValue: bytes[3]) else { throw .unknownType(bytes[3]) }
        let stated = Int(bytes.bigEndian(UInt16.self, at: 6))
        guard stated == bytes.count else { throw .lengthMismatch(stated: stated, actual: bytes.count) }
        header = MessageHeader(unchecked: bytes)
        guard header.epoch != 0 else { throw .zeroEpoch }
        self.type = type
        flags = bytes.bigEndian(UInt16.self, at: 4)
        length = stated
        guard header.spi == 0 || length >= MessageHeader.length + SecurityAssociation.authenticatorLength else {
            throw .tooShort(count: length, needed: MessageHeader.length + SecurityAssociation.authenticatorLength)
        }
    }

    /// What the authenticator covers: everything before it.
    func authenticated(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[..<(length - SecurityAssociation.authenticatorLength)])
    }

    func authenticator(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes[(length - SecurityAssociation.authenticatorLength)..<length])
    }

    /// A message speaks only for the node whose key signed it; one from a router only to that node (T5).
    func checkSigner(_ association: SecurityAssociation) throws(MessageError) {
        let speaksForNode = header.sender == association.node
        let speaksToNode = header.recipient == association.node
        switch type {
        case .solicit, .attachRequest, .locationUpdate, .release:
            guard speaksForNode else { throw .wrongSigner(spi: association.spi, node: header.sender) }
        case .advertise, .attachReply, .locationAck, .releaseAck:
            guard speaksToNode else { throw .wrongSigner(spi: association.spi, node: header.recipient) }
        case .error:
            guard speaksForNode || speaksToNode else {
                throw .wrongSigner(spi: association.spi, node: header.sender)
            }
        }
    }

    func body(in bytes: UnsafeRawBufferPointer) throws(MessageError) -> MessageBody {
        let trailer = header.spi == 0 ? 0 : SecurityAssociation.authenticatorLength
        var options = OptionReader(bytes, in: MessageHeader.length..<(length - trailer))
        switch type {
        case .solicit: return .solicit(try Solicit(&options, self))
        case .advertise: return .advertise(try Advertise(&options, self))
        case .attachRequest: return .attachRequest(try AttachRequest(&options, self))
        case .attachReply: return .attachReply(try AttachReply(&options, self))
        case .locationUpdate: return .locationUpdate(try LocationUpdate(&options, self))
        case .locationAck: return .locationAck(try LocationAck(&options, self))
        case .release: return .release(try Release(&options, self))
        case .releaseAck: return .releaseAck(try ReleaseAck(&options, self))
        case .error: return .error(try ErrorReply(&options, self))
        }
    }

    func requireLength(_ needed: Int) throws(MessageError) {
        guard length >= needed else { throw .notPadded(type, count: length, needed: needed) }
    }
}

extension MessageHeader {
    /// Reads the fields of a header that is known to be there, whatever its magic, version and type.
    init(unchecked bytes: UnsafeRawBufferPointer) {
        self.init(
            spi: bytes.bigEndian(UInt32.self, at: 8), epoch: bytes.bigEndian(UInt32.self, at: 12),
            sequence: bytes.bigEndian(UInt32.self, at: 16), sender: bytes.bigEndian(UInt64.self, at: 20),
            recipient: bytes.bigEndian(UInt64.self, at: 28))
    }

    /// The header of whatever came, for the answer to a message that `MessageFrame` refuses; `nil` where there is none
    /// or it is not of this protocol. Nothing in it is checked.
    public init?(guessing bytes: [UInt8]) {
        guard bytes.count >= MessageHeader.length, bytes[0] == UInt8(Self.magic >> 8),
            bytes[1] == UInt8(truncatingIfNeeded: Self.magic)
        else { return nil }
        self = bytes.withUnsafeBytes { MessageHeader(unchecked: $0) }
    }
}

extension [UInt8] {
    /// `withUnsafeBytes`, which cannot throw a typed error itself.
    @inline(__always)
    func withRawBytes<T>(_ body: (UnsafeRawBufferPointer) throws(MessageError) -> T) throws(MessageError) -> T {
        let result: Result<T, MessageError> = withUnsafeBytes { raw in
            do throws(MessageError) { return .success(try body(raw)) } catch { return .failure(error) }
        }
        return try result.get()
    }
}

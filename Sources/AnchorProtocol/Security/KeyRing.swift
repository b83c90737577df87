/// The keys of one end, found by security parameters index.
public struct KeyRing: Sendable {
    private var associations: [UInt32: SecurityAssociation] = [:]

    public init() {}

    /// Of two with the same index the later one stays.
    public init(_ associations: some Sequence<SecurityAssociation>) {
        for association in associations { self.associations[association.spi] = association }
    }

    public mutating func insert(_ association: SecurityAssociation) { associations[association.spi] = association }

    public subscript(spi: UInt32) -> SecurityAssociation? { associations[spi] }

    /// Reads a datagram. Nothing behind the header is read before the authenticator was found right.
    ///
    /// What it leaves to its user: whether the message is fresh (`ReplayWindow`), and what it asks for.
    /// - Parameter own: the number of the one that received it, router or node.
    /// - Throws: why the bytes are no message to act on; `MessageError.answer` says what to answer.
    public func open(_ bytes: [UInt8], as own: UInt64) throws(MessageError) -> OpenedMessage {
        try bytes.withRawBytes { (raw) throws(MessageError) in try open(raw, as: own) }
    }

    func open(_ bytes: UnsafeRawBufferPointer, as own: UInt64) throws(MessageError) -> OpenedMessage {
        let frame = try MessageFrame(bytes)
        let header = frame.header
        var association: SecurityAssociation?
        if header.spi != 0 {
            guard let known = associations[header.spi] else { throw .unknownSPI(header.spi) }
            guard known.verifies(frame.authenticator(in: bytes), of: frame.authenticated(in: bytes)) else {
                throw .badAuthenticator(spi: header.spi)
            }
            try frame.checkSigner(known)
            association = known
        } else if frame.type.mustBeAuthenticated {
            throw .notAuthenticated(frame.type)
        }
        guard header.recipient == own || (header.recipient == 0 && !frame.type.mustBeAuthenticated) else {
            throw .wrongRecipient(header.recipient)
        }
        return OpenedMessage(message: AnchorMessage(header, try frame.body(in: bytes)), association: association)
    }
}

extension KeyRing {
    /// The error message that answers a datagram which `open` refused, never larger than it (T7). Where the refused
    /// message was authentic, so is the answer.
    /// - Parameters:
    ///   - own: the number of the one that answers.
    ///   - reference: epoch and sequence number of the answer.
    /// - Returns: `nil` where there is nothing to say or no room to say it: for what is not this protocol or is meant
    ///   for somebody else, and for an error, since errors are never answered.
    public func refusal(
        of bytes: [UInt8], because error: MessageError, from own: UInt64, as reference: MessageReference
    ) -> [UInt8]? {
        guard let code = error.answer, let refused = MessageHeader(guessing: bytes),
            bytes[3] != MessageType.error.rawValue
        else { return nil }
        let association = error.isBehindAuthenticator ? self[refused.spi] : nil
        let header = MessageHeader(
            spi: association?.spi ?? 0, epoch: reference.epoch, sequence: reference.sequence, sender: own,
            recipient: refused.sender)
        let reply = ErrorReply(
            inReplyTo: refused.reference, code: code, detail: error.answerDetail, text: error.description)
        return AnchorMessage(header, .error(reply)).encoded(with: association, noLongerThan: bytes.count)
    }
}

/// A message that was read, and who vouches for it.
public struct OpenedMessage: Sendable {
    public var message: AnchorMessage
    /// The key that authenticated it; `nil` for one without an authenticator, which is a hint and no more.
    public var association: SecurityAssociation?

    /// True for one with an authenticator, which was found right.
    public var isAuthentic: Bool { association != nil }
}

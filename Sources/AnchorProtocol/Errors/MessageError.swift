/// Why received bytes are not a message to act on, with the value that offends.
public enum MessageError: Error, Hashable, Sendable {
    /// Fewer bytes than a header, or than header and authenticator.
    case tooShort(count: Int, needed: Int)
    /// More bytes than any message may have.
    case tooLong(count: Int)
    /// Not this protocol.
    case badMagic(UInt16)
    case unsupportedVersion(UInt8)
    case unknownType(UInt8)
    /// The header's length is not that of the datagram.
    case lengthMismatch(stated: Int, actual: Int)
    /// Sequence numbers of epoch 0 mean nothing.
    case zeroEpoch
    /// A message of that type must carry an authenticator.
    case notAuthenticated(MessageType)
    case unknownSPI(UInt32)
    case badAuthenticator(spi: UInt32)
    /// The key is that of another node than the message speaks for (T5).
    case wrongSigner(spi: UInt32, node: UInt64)
    case wrongRecipient(UInt64)
    /// A request so short that its answer could be larger (T7).
    case notPadded(MessageType, count: Int, needed: Int)
    /// The four bytes of type and length of an option are not all there.
    case truncatedOptionHeader(offset: Int)
    /// An option is longer than what is left of the message.
    case truncatedOption(type: UInt16, stated: Int, available: Int)
    case optionLength(type: UInt16, length: Int)
    /// What an option holds cannot be; the value is the part that cannot.
    case optionValue(type: UInt16, value: UInt64)
    case duplicateOption(type: UInt16)
    case tooManyOptions(type: UInt16, limit: Int)
    case missingOption(MessageType, type: UInt16)
    /// The option contradicts the message's flags or another option.
    case contradictoryOption(type: UInt16)
    case unknownCriticalOption(type: UInt16)
}

extension MessageError {
    /// The error to answer with; `nil` where silence is the answer: for what is not of this protocol or is somebody
    /// else's. An error message is never answered, whatever is wrong with it.
    public var answer: ErrorCode? {
        switch self {
        case .badMagic, .wrongRecipient, .tooLong, .zeroEpoch: nil
        case .tooShort, .lengthMismatch, .notPadded, .truncatedOptionHeader, .truncatedOption, .optionLength,
            .optionValue, .duplicateOption, .tooManyOptions, .missingOption, .contradictoryOption:
            .malformed
        case .unsupportedVersion: .unsupportedVersion
        case .unknownType: .unknownType
        case .notAuthenticated, .badAuthenticator, .wrongSigner: .badAuthenticator
        case .unknownSPI: .unknownSPI
        case .unknownCriticalOption: .unknownCriticalOption
        }
    }

    /// True where `KeyRing.open` finds it only after it found the authenticator right, if there is one.
    var isBehindAuthenticator: Bool {
        switch self {
        case .tooShort, .tooLong, .badMagic, .unsupportedVersion, .unknownType, .lengthMismatch, .zeroEpoch,
            .notAuthenticated, .unknownSPI, .badAuthenticator, .wrongSigner:
            false
        case .wrongRecipient, .notPadded, .truncatedOptionHeader, .truncatedOption, .optionLength, .optionValue,
            .duplicateOption, .tooManyOptions, .missingOption, .contradictoryOption, .unknownCriticalOption:
            true
        }
    }

    /// The `detail` of that answer.
    public var answerDetail: UInt16 {
        switch self {
        case .unsupportedVersion: UInt16(MessageHeader.version)
        case .unknownType(let type): UInt16(type)
        case .unknownCriticalOption(let type), .optionLength(let type, _), .optionValue(let type, _),
            .duplicateOption(let type), .tooManyOptions(let type, _), .missingOption(_, let type),
            .contradictoryOption(let type), .truncatedOption(let type, _, _):
            type
        case .tooShort, .tooLong, .badMagic, .lengthMismatch, .zeroEpoch, .notAuthenticated, .unknownSPI,
            .badAuthenticator, .wrongSigner, .wrongRecipient, .notPadded, .truncatedOptionHeader:
            0
        }
    }
}

extension MessageError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tooShort(let count, let needed): "message of \(count) bytes, at least \(needed) are needed"
        case .tooLong(let count): "message of \(count) bytes, at most \(MessageHeader.longestMessage) are allowed"
        case .badMagic(let magic): "magic \(hex(magic)) instead of \(hex(MessageHeader.magic))"
        case .unsupportedVersion(let version):
            "version \(version) of the protocol; this end speaks version \(MessageHeader.version)"
        case .unknownType(let type): "unknown message type \(type)"
        case .lengthMismatch(let stated, let actual): "the header says \(stated) bytes, the datagram has \(actual)"
        case .zeroEpoch: "epoch 0"
        case .notAuthenticated(let type): "\(type) without an authenticator"
        case .unknownSPI(let spi): "no key of security parameters index \(spi)"
        case .badAuthenticator(let spi):
            "authenticator is not that of the key of security parameters index \(spi)"
        case .wrongSigner(let spi, let node): "the key of security parameters index \(spi) is not that of node \(node)"
        case .wrongRecipient(let recipient): "addressed to \(recipient)"
        case .notPadded(let type, let count, let needed):
            "\(type) of \(count) bytes, its padding must make it at least \(needed)"
        case .truncatedOptionHeader(let offset): "option cut off at byte \(offset)"
        case .truncatedOption(let type, let stated, let available):
            "option \(hex(type)) of \(stated) bytes, only \(available) are left"
        case .optionLength(let type, let length): "option \(hex(type)) cannot have \(length) bytes"
        case .optionValue(let type, let value): "option \(hex(type)) cannot hold \(value)"
        case .duplicateOption(let type): "option \(hex(type)) twice"
        case .tooManyOptions(let type, let limit): "option \(hex(type)) more than \(limit) times"
        case .missingOption(let message, let type): "\(message) without option \(hex(type))"
        case .contradictoryOption(let type): "option \(hex(type)) contradicts the rest of the message"
        case .unknownCriticalOption(let type): "unknown critical option \(hex(type))"
        }
    }
}

private func hex(_ value: UInt16) -> String {
    let digits = String(value, radix: 16)
    return "0x" + String(repeating: "0", count: 4 - digits.count) + digits
}

/// Why what a peer has sent ends the session, with the value that offends.
public enum PeerProtocolError: Error, Hashable, Sendable {
    /// Not this protocol.
    case badMagic(UInt16)
    case unsupportedVersion(UInt8)
    /// More bytes than any payload may have.
    case tooLong(UInt32)
    /// Something else than a hello came first.
    case helloExpected(type: UInt8)
    case secondHello
    /// A payload of that type can't have so many bytes.
    case payloadLength(type: UInt8, length: Int)
    /// An option is not what it should be.
    case option(MessageError)
    case missingOption(PeerControl, type: UInt16)
    /// The name of a hello is not one.
    case badName
}

extension PeerProtocolError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .badMagic(let magic): "magic \(magic) instead of \(PeerFrameHeader.magic)"
        case .unsupportedVersion(let version):
            "version \(version) of the protocol between routers; this end speaks version \(PeerFrameHeader.version)"
        case .tooLong(let length):
            "message of \(length) bytes, at most \(PeerFrameHeader.longestPayload) are allowed"
        case .helloExpected(let type): "a message of type \(type) before the hello"
        case .secondHello: "a second hello"
        case .payloadLength(let type, let length): "a message of type \(type) cannot have \(length) bytes"
        case .option(let error): "\(error)"
        case .missingOption(let message, let type): "\(message) without option \(type)"
        case .badName: "a hello whose name is none"
        }
    }
}

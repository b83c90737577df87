/// What a message says, without who says it.
public enum MessageBody: Hashable, Sendable {
    case solicit(Solicit)
    case advertise(Advertise)
    case attachRequest(AttachRequest)
    case attachReply(AttachReply)
    case locationUpdate(LocationUpdate)
    case locationAck(LocationAck)
    case release(Release)
    case releaseAck(ReleaseAck)
    case error(ErrorReply)

    public var type: MessageType {
        switch self {
        case .solicit: .solicit
        case .advertise: .advertise
        case .attachRequest: .attachRequest
        case .attachReply: .attachReply
        case .locationUpdate: .locationUpdate
        case .locationAck: .locationAck
        case .release: .release
        case .releaseAck: .releaseAck
        case .error: .error
        }
    }

    /// The request that it answers; `nil` for a request and an unsolicited advertisement.
    public var inReplyTo: MessageReference? {
        switch self {
        case .solicit, .attachRequest, .locationUpdate, .release: nil
        case .advertise(let message): message.inReplyTo
        case .attachReply(let message): message.inReplyTo
        case .locationAck(let message): message.inReplyTo
        case .releaseAck(let message): message.inReplyTo
        case .error(let message): message.inReplyTo
        }
    }
}

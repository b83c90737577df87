/// What a message is: the fourth byte of its header.
public enum MessageType: UInt8, Hashable, Sendable, CaseIterable {
    /// Node to the routers of a link: who is here?
    case solicit = 1
    /// Router to a link, or to one node that asked: I am here.
    case advertise = 2
    /// Node to router: lease me addresses.
    case attachRequest = 3
    case attachReply = 4
    /// Node to the anchor of one of its addresses: I am there now [0045].
    case locationUpdate = 5
    case locationAck = 6
    /// Node to the anchor of one of its addresses: I need it no more [0050].
    case release = 7
    case releaseAck = 8
    /// Either way: why a message had no effect.
    case error = 9

    /// Without a security parameters index such a message is refused. Discovery needs no key; an error may answer
    /// somebody with whom no key is shared.
    public var mustBeAuthenticated: Bool {
        switch self {
        case .solicit, .advertise, .error: false
        case .attachRequest, .attachReply, .locationUpdate, .locationAck, .release, .releaseAck: true
        }
    }
}

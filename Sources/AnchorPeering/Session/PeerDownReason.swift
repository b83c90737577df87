import AnchorProtocol

/// Why a session has ended.
public enum PeerDownReason: Hashable, Sendable {
    /// This router ends.
    case stopping
    /// The peer said goodbye.
    case closedByPeer(PeerClose)
    /// The connection has ended without a word.
    case lost(String)
    /// Nothing has come for too long.
    case silent
    /// Another connection of the pair has taken its place.
    case replaced
    /// What came is not of the protocol.
    case malformed(PeerProtocolError)
    /// The peer's certificate has ended.
    case certificateEnded

    /// In events and metrics.
    public var name: String {
        switch self {
        case .stopping: "stopping"
        case .closedByPeer: "closed-by-peer"
        case .lost: "lost"
        case .silent: "silent"
        case .replaced: "replaced"
        case .malformed: "malformed"
        case .certificateEnded: "certificate-ended"
        }
    }
}

extension PeerDownReason: CustomStringConvertible {
    public var description: String {
        switch self {
        case .stopping: "this router ends"
        case .closedByPeer(let close) where close.code == .stopping: "the peer ends"
        case .closedByPeer(let close):
            "the peer closed it (code \(close.code.rawValue)\(close.text.isEmpty ? "" : ": \(close.text)"))"
        case .lost(let cause): "the connection was lost: \(cause)"
        case .silent: "nothing came from the peer for too long"
        case .replaced: "another connection to the peer has taken its place"
        case .malformed(let error): "the peer has sent \(error)"
        case .certificateEnded: "the peer's certificate has ended"
        }
    }
}

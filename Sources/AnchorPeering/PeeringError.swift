/// Why peering did not begin, or something could not be sent.
public enum PeeringError: Error, Hashable, Sendable {
    /// No neighbour of that name is configured.
    case unknownPeer(String)
    /// There is no session with it now.
    case down(String)
    /// It has not answered in time.
    case noAnswer(String)
    /// The task was cancelled.
    case cancelled
    /// A payload is larger than allowed.
    case tooLong(Int)
    /// A place to listen can't be had.
    case cannotListen(TransportAddress, cause: String)
    /// TLS refuses the certificate or its key.
    case cannotUseCredential(String)
}

extension PeeringError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unknownPeer(let name): "no peer '\(name)' is configured"
        case .down(let name): "there is no session with '\(name)' now"
        case .noAnswer(let name): "'\(name)' has not answered in time"
        case .cancelled: "cancelled"
        case .tooLong(let count): "a message of \(count) bytes is too long"
        case .cannotListen(let address, let cause):
            "can't listen for peers on TCP \(address): \(cause); 'ss -ltnp' shows whose it is"
        case .cannotUseCredential(let cause): "the certificate can't be used for TLS: \(cause)"
        }
    }
}

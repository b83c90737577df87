/// A message between routers about a host that knows nothing and roams among them [0077]–[0085].
public enum RoamingMessage: Hashable, Sendable {
    case claim(Claim)
    case grant(Grant)
    case unknown(Unknown)
    case held(Held)
    case moved(Moved)
    /// The answer to ``moved(_:)`` and ``gone(_:)``; with a higher epoch than theirs where the sender knew better.
    case movedAck(HostEpoch)
    case flows(Flows)
    /// All flows of the sender of ``flows(_:)`` are in the table: it may forget those that began elsewhere [0082].
    case flowsAck(HostEpoch)
    /// No flow of the host is left at the sender, where some began: it wants to forget the host.
    case release(HostEpoch)
    /// The answer to ``release(_:)``.
    case releaseAck(HostEpoch)
    /// The host has been silent for too long: it is nowhere. From the router that had it.
    case gone(HostEpoch)
    case station(Station)

    /// - Throws: why the payload of a message of that type is none.
    public init(type: UInt8, payload: [UInt8]) throws(RoamingMessageError) {
        guard let kind = RoamingMessageType(rawValue: type) else { throw .unknownType(type) }
        self =
            switch kind {
            case .claim: .claim(try Claim(payload))
            case .grant: .grant(try Grant(payload))
            case .unknown: .unknown(try Unknown(payload))
            case .held: .held(try Held(payload))
            case .moved: .moved(try Moved(payload))
            case .movedAck: .movedAck(try HostEpoch(payload, .movedAck))
            case .flows: .flows(try Flows(payload))
            case .flowsAck: .flowsAck(try HostEpoch(payload, .flowsAck))
            case .release: .release(try HostEpoch(payload, .release))
            case .releaseAck: .releaseAck(try HostEpoch(payload, .releaseAck))
            case .gone: .gone(try HostEpoch(payload, .gone))
            case .station: .station(try Station(payload))
            }
    }

    public var kind: RoamingMessageType {
        switch self {
        case .claim: .claim
        case .grant: .grant
        case .unknown: .unknown
        case .held: .held
        case .moved: .moved
        case .movedAck: .movedAck
        case .flows: .flows
        case .flowsAck: .flowsAck
        case .release: .release
        case .releaseAck: .releaseAck
        case .gone: .gone
        case .station: .station
        }
    }

    /// The type in the frame's header.
    public var type: UInt8 { kind.rawValue }

    public var host: RoamingHost {
        switch self {
        case .claim(let message): message.host
        case .grant(let message): message.host
        case .unknown(let message): message.host
        case .held(let message): message.host
        case .moved(let message): message.host
        case .movedAck(let message): message.host
        case .flows(let message): message.host
        case .flowsAck(let message): message.host
        case .release(let message): message.host
        case .releaseAck(let message): message.host
        case .gone(let message): message.host
        case .station(let message): message.host
        }
    }

    /// The payload. Lists and names that are longer than they may be are a bug and trap.
    public var encoded: [UInt8] {
        switch self {
        case .claim(let message): message.encoded
        case .grant(let message): message.encoded
        case .unknown(let message): message.encoded
        case .held(let message): message.encoded
        case .moved(let message): message.encoded
        case .movedAck(let message): message.encoded
        case .flows(let message): message.encoded
        case .flowsAck(let message): message.encoded
        case .release(let message): message.encoded
        case .releaseAck(let message): message.encoded
        case .gone(let message): message.encoded
        case .station(let message): message.encoded
        }
    }
}

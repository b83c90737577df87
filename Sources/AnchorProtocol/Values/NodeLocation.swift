import NetworkTypes

/// Where a node says it is, in a location update.
public enum NodeLocation: Hashable, Sendable {
    /// On a link of the anchor itself, with that link address: it came back.
    case attached(MACAddress)
    /// Elsewhere: packets go through a tunnel to its care-of address nM [0048].
    case away(careOf: IPAddress, TunnelParameters)
    /// In both places at once [0052].
    case both(MACAddress, careOf: IPAddress, TunnelParameters)

    public var linkAddress: MACAddress? {
        switch self {
        case .attached(let mac), .both(let mac, _, _): mac
        case .away: nil
        }
    }

    public var careOf: IPAddress? {
        switch self {
        case .away(let careOf, _), .both(_, let careOf, _): careOf
        case .attached: nil
        }
    }

    public var tunnel: TunnelParameters? {
        switch self {
        case .away(_, let tunnel), .both(_, _, let tunnel): tunnel
        case .attached: nil
        }
    }
}

/// Where a host's packets enter its servers, from either side (row S1) [0041].
public enum ServerChain: Hashable, Sendable {
    /// - Parameters:
    ///   - up: path to the first server's inside leg.
    ///   - down: path to the last server's outside leg.
    case through(up: PathIndex, down: PathIndex)
    /// All servers are down or there are none: packets go straight on.
    case bypass
    /// A server is down and its flows are refused.
    case refuse
}

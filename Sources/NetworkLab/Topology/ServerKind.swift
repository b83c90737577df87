/// How the server of an access router is connected.
public enum ServerKind: String, Sendable, CaseIterable {
    /// No server.
    case none
    /// A box with two legs that is as transparent as a cable: a bridge with a stateful firewall on it.
    case twoLegged = "two-legged"
    /// A router with one leg, which sends back whatever passes its stateful firewall.
    case oneLegged = "one-legged"
}

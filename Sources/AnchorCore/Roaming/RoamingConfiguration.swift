import NetworkTypes

/// What a router needs to know to share roaming hosts with others.
public struct RoamingConfiguration: Sendable {
    /// This router's name, as in its certificate.
    public var name: String
    /// Names of the routers that it has sessions with, other than its own.
    public var peers: [String]
    /// Families whose packets are translated, so that each flow has its router. A host of another family is anchored
    /// as a whole, at the router that it was attached to first.
    public var translated: Set<AddressFamily> = [.v4]
    /// How long a new host's packets wait for the router that had it; longer for one whose answers take longer.
    public var claimPatience: TimeSpan = .milliseconds(50)
    /// How long an address stays with a silent station when another one claims it.
    public var patience: TimeSpan = .seconds(60)
    /// How long packets that are still on their way are taken from where a host was, and passed on to where it is.
    public var grace: TimeSpan = .seconds(3)
    /// How long flows of an anchor that hasn't said that it knows the new place are held back; after as long it is told
    /// again.
    public var tellPatience: TimeSpan = .seconds(1)
    /// After as long without an answer, a router that has handed a host over says so again.
    public var retry: TimeSpan = .seconds(2)
    /// How long a host stays with a router that there is no session with.
    public var lease: TimeSpan = .seconds(60)
    /// Hosts that are known at most; others are refused (T3).
    public var hostLimit = 1 << 20
    /// Handovers that ``Roaming/handovers`` has.
    public var handoverLimit = 64

    public init(name: String, peers: [String]) {
        self.name = name
        self.peers = peers
    }
}

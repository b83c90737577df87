import AnchorProtocol
import NetworkTypes

/// News of roaming hosts for logs, counters and `anchorctl monitor`.
public enum RoamingReport: Hashable, Sendable {
    /// A host is attached here, and its router is looked for.
    case claimed(IPAddress)
    /// It is this router's; `from` is the router that had it, `nil` for a new host. The time is since it was claimed.
    case settled(IPAddress, epoch: UInt32, from: String?, after: TimeSpan)
    /// All tables of its flows are here.
    case whole(IPAddress, epoch: UInt32, anchors: Set<String>, after: TimeSpan)
    /// It has moved to that router.
    case handedOver(IPAddress, epoch: UInt32, to: String)
    /// Flows of it began here, and it is at that router now.
    case followed(IPAddress, epoch: UInt32, to: String)
    /// The other router has all flows; the time is since it was handed over.
    case transferred(IPAddress, epoch: UInt32, to: String, after: TimeSpan)
    /// No flow of it is left at that router.
    case released(IPAddress, router: String)
    /// It is forgotten here: no flow of it is left.
    case forgotten(IPAddress)
    /// It is nowhere.
    case gone(IPAddress)
    /// There was no session with that router for too long.
    case leaseEnded(IPAddress, router: String)
    /// A message had no effect.
    case refused(IPAddress, RoamingRefusal, from: String)
}

/// Why a message or a host had no effect.
public enum RoamingRefusal: String, Hashable, Sendable, CaseIterable {
    /// From a router that isn't configured.
    case stranger
    /// It says no more than was known.
    case outdated
    /// Not from where the host is.
    case notItsPlace = "not-its-place"
    /// A grant that nobody asked for.
    case unasked
    /// Flows of a table that isn't waited for, or not in their order.
    case unexpectedFlows = "unexpected-flows"
    /// Another station has the address, or it came later.
    case held
    /// As many hosts as may be.
    case full
    /// Hosts that only differ in their realm are not told apart.
    case realm
}

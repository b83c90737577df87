import AnchorProtocol
import NetworkTypes

/// What happens to a router's roaming hosts.
public enum RoamingEvent: Sendable {
    /// The first packet of a host that may be here, at another station or link than before; or it is said to be there.
    /// `previous` is the router that it says to come from, which is asked before all others [0085].
    case attached(IPAddress, Neighbour, previous: String? = nil)
    /// From the session with that peer.
    case message(RoamingMessage, from: String)
    /// There is a session with that peer. One that replaces another is a `down` before.
    case up(String)
    case down(String)
    /// A host that is here has been silent for too long, or is deleted.
    case silent(IPAddress)
    /// All messages of the oldest ``RoamingAction/sendFlows(_:epoch:to:anchoredAt:isLast:)`` of that host are on their
    /// way; `anchors` are the routers that any flow in them began at. None comes for one that is cancelled.
    case flowsSent(IPAddress, epoch: UInt32, to: String, anchors: Set<String>)
    /// The last message of that router's table is in this one's; `anchors` are the routers at which flows of the host
    /// began that are not this one.
    case flowsReceived(IPAddress, epoch: UInt32, from: String, anchors: Set<String>)
    /// No flow that began here is left of a host that is elsewhere (its binding is `away`). After ``Roaming/adopt(_:at:)`` it is told of each
    /// such host that has none. Again is harmless.
    case flowsEnded(IPAddress)
    /// When packets of hosts here were last seen.
    case seen([HostActivity])
    /// The time named by `nextDeadline` has come. Early is harmless.
    case timer
}

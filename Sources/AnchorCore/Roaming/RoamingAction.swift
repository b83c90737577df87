import AnchorProtocol
import NetworkTypes

/// What a router has to do for its roaming hosts, in this order.
public enum RoamingAction: Hashable, Sendable {
    /// Overwrite the host's entry.
    case install(RoamingBinding)
    /// Take the host's entry out.
    case remove(IPAddress)
    /// Packets of it that were held may go on.
    case release(IPAddress)
    /// Packets of it that were held are dropped.
    case refuse(IPAddress)
    /// Send it in the session with that peer, behind what was sent before. Where there is none it is dropped.
    case send(RoamingMessage, to: String)
    /// Send flows of the host, as ``AnchorProtocol/Flows`` numbered from 0 since the last ``cancelFlows(_:)``: those
    /// that began here if the own name is in `anchoredAt`, and those that began at the others in it; none that began at
    /// `to`. If `isLast`, the last message says so, even if it is empty.
    case sendFlows(IPAddress, epoch: UInt32, to: String, anchoredAt: Set<String>, isLast: Bool)
    /// Stop sending flows of the host, and send none of what waits.
    case cancelFlows(IPAddress)
    /// Put these flows into the table, and if they are the last ones say so by ``RoamingEvent/flowsReceived``.
    case insertFlows(Flows, from: String)
    /// Take out flows of the host that began at that router, or at any other than this one.
    case removeAway(IPAddress, router: String?)
    case report(RoamingReport)

    /// Whether it is but to be told, and has time.
    public var isReport: Bool { if case .report = self { true } else { false } }
}

import AnchorProtocol
import NetworkTypes

/// The control plane of an access router: discovery, leases, the host table [0036] and who may change it. It does
/// no input or output: it takes an event and the time and returns what to do.
///
/// One instance for a router, used from one place at a time. After a restart it is made anew from the records that
/// were stored; the first actions put back what the data plane should hold.
public struct AccessRouter: Sendable {
    public let configuration: AccessRouterConfiguration

    /// - Parameter records: what an earlier run stored, in the order of the journal.
    public init(_ configuration: AccessRouterConfiguration, restoring records: [AccessRouterRecord] = []) {
        self.configuration = configuration
    }

    /// Call once, first: bindings of restored leases, so that a move that was stored but not yet in force when the
    /// router stopped is completed; then the first advertisements. Addresses that the data plane holds and that are
    /// not among the bindings are to be removed.
    public mutating func start(at now: MonotonicInstant) -> [AccessRouterAction] { [] }

    public mutating func handle(_ event: AccessRouterEvent, at now: MonotonicInstant) -> [AccessRouterAction] { [] }

    /// When `.timer` is due; `nil` for never.
    public var nextDeadline: MonotonicInstant? { nil }

    /// Everything that must survive, as few records as possible: a compacted journal.
    public var snapshot: [AccessRouterRecord] { [] }
}

import AnchorProtocol
import NetworkTypes

/// The control plane of a mobile node: finds routers, attaches, keeps old addresses for old flows and tells their
/// anchors where it is. It does no input or output: it takes an event and the time and returns what to do.
public struct MobileNode: Sendable {
    public let configuration: MobileNodeConfiguration

    /// - Parameter records: what an earlier run asked to remember and not to forget.
    public init(_ configuration: MobileNodeConfiguration, restoring records: [MobileNodeRecord] = []) {
        self.configuration = configuration
    }

    public mutating func handle(_ event: MobileNodeEvent, at now: MonotonicInstant) -> [MobileNodeAction] { [] }

    /// When `.timer` is due; `nil` for never.
    public var nextDeadline: MonotonicInstant? { nil }
}

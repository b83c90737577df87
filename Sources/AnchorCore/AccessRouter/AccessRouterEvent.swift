import NetworkTypes

/// What happens to an access router.
public enum AccessRouterEvent: Sendable {
    /// A datagram came in on the anchor protocol's port.
    case datagram(Datagram)
    /// All records up to and including this one are on stable storage.
    case persisted(through: RecordNumber)
    /// Records in this range could not be stored; what they stand for is refused (T16).
    case persistFailed(ClosedRange<RecordNumber>)
    /// When packets of these addresses were last seen. Give it every few seconds for addresses whose value changed.
    case activity([HostActivity])
    /// The time named by `nextDeadline` has come. Early is harmless.
    case timer
    /// An access link can (or cannot) carry packets now.
    case link(InterfaceID, isUp: Bool)
    /// An operator's wish: the binding goes, whatever its node says.
    case delete(IPAddress)
}

/// Sign of life of a host.
public struct HostActivity: Hashable, Sendable {
    public var address: IPAddress
    public var lastSeen: MonotonicInstant

    public init(address: IPAddress, lastSeen: MonotonicInstant) {
        self.address = address
        self.lastSeen = lastSeen
    }
}

/// The place of a record in the journal; grows by one with each record of one run of the router.
public typealias RecordNumber = UInt64

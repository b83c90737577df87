import AnchorProtocol
import NetworkTypes

/// An accepted change that waits for its records to be stored. Nothing of it is in force or acknowledged before (T4,
/// T15); if storing fails it never was (T16).
struct PendingOperation: Sendable {
    /// Of its records, in a row.
    let numbers: ClosedRange<RecordNumber>
    let step: Step

    enum Step: Sendable {
        case attach([HostChange], Reply, InterfaceID)
        case update(HostChange, Reply)
        case release(slot: UInt32, Reply)
        case expire(slot: UInt32, ExpiryCause)
        case delete(slot: UInt32)
    }
}

/// A host's next location.
struct HostChange: Sendable {
    let slot: UInt32
    let location: StoredLocation
    /// How long it then lives without a refresh.
    let lifetime: TimeSpan
}

/// Whom to answer, and to which message.
struct Reply: Sendable {
    let node: UInt32
    let message: MessageReference
    let route: DatagramRoute
    /// Bytes of the request: no answer is larger (T7).
    let limit: Int
}

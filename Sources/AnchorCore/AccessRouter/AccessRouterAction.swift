import AnchorProtocol
import NetworkTypes

/// What an access router wants done, in this order.
public enum AccessRouterAction: Hashable, Sendable {
    /// Append to the journal, in order, then tell with `.persisted(through:)`. Any number may be outstanding and one
    /// event may answer for many.
    case persist(AccessRouterRecord, RecordNumber)
    /// Put the binding in force in one overwrite. Done when the call that returned the action has been carried out:
    /// an acknowledgement behind it in the list says so to the node.
    case install(HostBinding)
    /// Take the address out of the data plane.
    case remove(IPAddress)
    case send(OutgoingDatagram)
    case report(AccessRouterReport)
}

/// What is kept on stable storage. A record replaces every earlier one of its address (`host`, `removed`); the highest
/// (epoch, sequence) of all the records of a node counts.
public enum AccessRouterRecord: Hashable, Sendable, Codable {
    /// A lease and where its host is.
    case host(HostRecord)
    /// The lease ended. The order that ended it is kept, so that it cannot be replayed.
    case removed(address: IPAddress, node: UInt64, order: MessageOrder)
    /// The highest order accepted from a node, written when a journal is compacted.
    case node(UInt64, MessageOrder)
}

/// A lease as it is stored.
public struct HostRecord: Hashable, Sendable, Codable {
    public var address: IPAddress
    public var node: UInt64
    /// Of the message that brought this state about.
    public var order: MessageOrder
    public var location: HostLocation
    /// The access link whose pool the address is from.
    public var link: InterfaceID

    public init(
        address: IPAddress, node: UInt64, order: MessageOrder, location: HostLocation, link: InterfaceID
    ) {
        self.address = address
        self.node = node
        self.order = order
        self.location = location
        self.link = link
    }
}

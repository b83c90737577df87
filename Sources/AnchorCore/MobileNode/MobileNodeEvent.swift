import NetworkTypes

/// What happens to a mobile node.
public enum MobileNodeEvent: Sendable {
    /// The interface has a carrier, at its start too. Again for a link that was up: it may have moved unnoticed.
    case linkUp(InterfaceID, mac: MACAddress)
    /// The carrier is gone, or the interface.
    case linkDown(InterfaceID)
    /// A datagram came in on the anchor protocol's port.
    case datagram(Datagram)
    /// The time named by `nextDeadline` has come. Early is harmless.
    case timer
    /// Told: look for a router on this interface now and attach, to that router if one is named.
    case attach(InterfaceID, router: UInt64?)
    /// Told: leave this interface. With another one attached its addresses' flows go there first.
    case detach(InterfaceID)
    /// The kernel cannot resolve the gateway, or the router is known to be gone.
    case routerUnreachable(InterfaceID)
    /// How many live flows these own addresses have now. Sent when the number changes; zero releases the anchor.
    case flows([FlowCount])
    /// The program ends: release everything.
    case stop

    public var isLinkUp: Bool {
        if case .linkUp = self { true } else { false }
    }
}

/// Live flows of an own address.
public struct FlowCount: Hashable, Sendable {
    public var address: IPAddress
    public var count: Int

    public init(address: IPAddress, count: Int) {
        self.address = address
        self.count = count
    }
}

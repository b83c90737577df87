import NetworkTypes

/// What a mobile node wants done, in this order.
public enum MobileNodeAction: Hashable, Sendable {
    /// Configure the address, or change its interface or preference.
    case addAddress(OwnAddress)
    case removeAddress(IPAddress, InterfaceID)
    /// The default route of the family of the gateway.
    case setRoute(DefaultRoute)
    case removeRoute(AddressFamily, InterfaceID)
    /// Ask for the MACs of routers that may be on the link: what is sent to them soon need not wait.
    case resolve([IPAddress], InterfaceID)
    /// Put the binding in force in one overwrite.
    case install(AnchorBinding)
    /// Take an own address out of the data plane.
    case remove(IPAddress)
    case send(OutgoingDatagram)
    /// Store, so that a restarted program keeps the anchors of its flows. Nothing waits for it.
    case remember(MobileNodeRecord)
    case forget(IPAddress)
    /// The epoch jumped: store it, the next start uses a higher one.
    case rememberEpoch(UInt32)
    case report(MobileNodeReport)

    /// The binding of an address that is used on its own link, as care-of addresses are.
    var isDirect: Bool {
        if case .install(let binding) = self, case .direct = binding.path { true } else { false }
    }

    public var isMessage: Bool {
        if case .send = self { true } else { false }
    }

    public var isReport: Bool {
        if case .report = self { true } else { false }
    }

    public var isRoute: Bool {
        if case .setRoute = self { true } else { false }
    }
}

/// An own address as it is stored.
public struct MobileNodeRecord: Hashable, Sendable, Codable {
    public var address: IPAddress
    /// The router that anchors it.
    public var router: UInt64
    /// Its tunnel endpoints.
    public var endpoints: [IPAddress]
    public var greKey: UInt32
    public var interface: InterfaceID

    public init(
        address: IPAddress, router: UInt64, endpoints: [IPAddress], greKey: UInt32, interface: InterfaceID
    ) {
        self.address = address
        self.router = router
        self.endpoints = endpoints
        self.greKey = greKey
        self.interface = interface
    }
}

/// News for logs, counters and `anchorctl monitor`.
public enum MobileNodeReport: Hashable, Sendable {
    case routerFound(InterfaceID, router: UInt64)
    case routerLost(InterfaceID, router: UInt64)
    case attached(InterfaceID, router: UInt64, addresses: [IPAddress])
    case attachRefused(InterfaceID, code: UInt16, text: String)
    case detached(InterfaceID)
    /// The anchor of this address sends its packets to the care-of address now.
    case moved(address: IPAddress, careOf: IPAddress)
    /// The address is in use on its own link again.
    case returned(address: IPAddress)
    case bothInUse(address: IPAddress, careOf: IPAddress)
    case anchorUnreachable(address: IPAddress)
    /// The anchor forgot the address or refuses it: its flows are lost.
    case anchorLost(address: IPAddress, code: UInt16, text: String)
    case released(address: IPAddress)
    /// An error without an authenticator: anybody could have sent it, so it has no effect, but it may be the reason.
    case refusalHeard(code: UInt16, text: String)
    case discarded(source: IPAddress, RefusalCause)
}

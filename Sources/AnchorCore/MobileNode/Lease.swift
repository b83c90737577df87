import AnchorProtocol
import NetworkTypes

/// An own address of a mobile node: leased from a router, which anchors its flows.
struct Lease: Sendable {
    let address: IPAddress
    var router: UInt64
    var endpoints: [IPAddress]
    var greKey: UInt32
    var flows = 0
    /// Where it is configured.
    var interface: InterfaceID
    var preferred = true
    var lifetime = TimeSpan.seconds(600)
    var expires = MonotonicInstant(nanoseconds: .max)
    var refreshAt = MonotonicInstant(nanoseconds: .max)
    /// In force.
    var path = AnchorPath.unreachable
    /// Endpoints of the anchor as the binding in force has them.
    var admitted: [IPAddress] = []
    /// What the anchor is known to hold; `nil` while that is not known.
    var confirmed: Place?
    var exchange: Exchange?
    /// The newest message about it.
    var newestSent = MessageReference.none
    /// Since when it is away and without flows.
    var idleSince: MonotonicInstant?
    var unreachableWasReported = false

    /// Where an address can be.
    enum Place: Hashable, Sendable {
        case attached(InterfaceID)
        case away(careOf: IPAddress, InterfaceID)
        case both(InterfaceID, careOf: IPAddress, InterfaceID)
    }

    /// What the anchor is being told.
    struct Exchange: Sendable {
        enum Purpose: Hashable, Sendable {
            case update(Place)
            case release
        }

        let purpose: Purpose
        var retry: Retry
    }

    var isReleasing: Bool { exchange?.purpose == .release }

    /// oA of that family.
    func endpoint(_ family: AddressFamily) -> IPAddress? { endpoints.first { $0.family == family } }

    var binding: AnchorBinding {
        AnchorBinding(address: address, anchor: anchor, endpoints: endpoints, path: path)
    }

    /// For display: of the address's own family if there is one.
    var anchor: IPAddress { endpoint(address.family) ?? endpoints.first ?? .anyV6 }
}

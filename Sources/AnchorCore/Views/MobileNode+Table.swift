import NetworkTypes

extension MobileNode {
    /// Own addresses and their anchors, the newest first.
    public var anchorTable: [AnchorRow] {
        leases.reversed().map { lease in
            AnchorRow(
                anchor: lease.anchor, router: lease.router, address: lease.address, path: lease.path,
                flows: lease.flows, preferred: lease.preferred)
        }
    }

    /// The addresses that should be configured, for an interface that came back without them.
    public var ownAddresses: [OwnAddress] { leases.map(ownAddress) }

    /// The bindings in force.
    public var bindings: [AnchorBinding] {
        leases.map(\.binding)
    }

    /// The epoch in use; it grows when a router had seen a higher one.
    public var currentEpoch: UInt32 { epoch }

    /// What the interfaces are doing.
    public var attachmentStates: [(interface: InterfaceID, state: AttachmentState)] {
        uplinks.map { uplink in
            switch uplink.state {
            case .down: (uplink.interface, uplink.mac == nil ? .noCarrier : .detached)
            case .soliciting: (uplink.interface, .searching)
            case .attaching(let sighting, _, _): (uplink.interface, .attaching(router: sighting.router))
            case .attached(let attachment): (uplink.interface, .attached(router: attachment.sighting.router))
            case .refused: (uplink.interface, .refused)
            }
        }
    }

    /// Whether every anchor is known to hold what it should and nothing is under way.
    public var isSettled: Bool {
        leases.allSatisfy { $0.exchange == nil && $0.confirmed != nil }
            && uplinks.allSatisfy { uplink in
                switch uplink.state {
                case .down: true
                case .attached(let attachment): attachment.refresh == nil && attachment.probe == nil
                case .soliciting, .attaching, .refused: false
                }
            }
    }
}

/// What an interface of a mobile node is doing.
public enum AttachmentState: Hashable, Sendable {
    case noCarrier
    /// Told to stay away.
    case detached
    case searching
    case attaching(router: UInt64)
    case attached(router: UInt64)
    case refused
}

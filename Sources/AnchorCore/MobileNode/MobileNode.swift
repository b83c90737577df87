import AnchorProtocol
import NetworkTypes

/// The control plane of a mobile node: finds routers, attaches, keeps old addresses for old flows and tells their
/// anchors where it is. It does no input or output: it takes an event and the time and returns what to do.
public struct MobileNode: Sendable {
    public let configuration: MobileNodeConfiguration

    let association: SecurityAssociation
    let keys: KeyRing
    var epoch: UInt32
    var sequence: UInt32 = 0
    var random: SeededRandom
    var uplinks: [Uplink]
    /// In the order in which they were leased.
    var leases: [Lease] = []
    var routes: [AddressFamily: DefaultRoute] = [:]
    /// Addresses that it once had, to ask for again.
    var formerAddresses: [UInt64: [IPAddress]] = [:]
    var attachments = 0
    /// Routers that it was attached to, the last one first.
    var formerRouters: [FormerRouter] = []

    /// - Parameter records: what an earlier run asked to remember and not to forget.
    /// - Throws: `KeyError` for a key or security parameters index that cannot be.
    public init(
        _ configuration: MobileNodeConfiguration, restoring records: [MobileNodeRecord] = []
    ) throws(KeyError) {
        self.configuration = configuration
        association = try SecurityAssociation(
            spi: configuration.spi, node: configuration.node, key: configuration.key)
        keys = KeyRing([association])
        epoch = max(1, configuration.epoch)
        random = SeededRandom(seed: configuration.randomSeed ^ configuration.node << 20)
        uplinks = configuration.interfaces.map { Uplink(interface: $0) }
        leases = records.map { record in
            Lease(
                address: record.address, router: record.router, endpoints: record.endpoints, greKey: record.greKey,
                interface: record.interface, preferred: false)
        }
    }

    public mutating func handle(_ event: MobileNodeEvent, at now: MonotonicInstant) -> [MobileNodeAction] {
        var actions: [MobileNodeAction] = []
        switch event {
        case .linkUp(let interface, let mac): linkUp(interface, mac, at: now, &actions)
        case .linkDown(let interface): linkDown(interface, at: now, &actions)
        case .datagram(let datagram): receive(datagram, at: now, &actions)
        case .timer: break
        case .attach(let interface, let router): attach(interface, to: router, at: now, &actions)
        case .detach(let interface): detach(interface, at: now, &actions)
        case .routerUnreachable(let interface): probe(interface, at: now)
        case .flows(let counts): note(counts)
        case .stop:
            stop(&actions)
            return actions
        }
        reconcile(at: now, &actions)
        return actions
    }

    /// When `.timer` is due; `nil` for never.
    public var nextDeadline: MonotonicInstant? {
        var earliest: MonotonicInstant?
        func consider(_ candidate: MonotonicInstant?) {
            guard let candidate, candidate.nanoseconds != .max else { return }
            earliest = min(earliest ?? candidate, candidate)
        }
        for uplink in uplinks { consider(uplink.deadline) }
        for lease in leases {
            consider(lease.expires)
            if canReachAnchor(of: lease) {
                consider(lease.exchange?.retry.nextAt)
                if lease.exchange == nil, lease.confirmed != nil { consider(lease.refreshAt) }
            }
            if lease.exchange == nil { consider(lease.idleSince.map { $0 + configuration.linger }) }
        }
        return earliest
    }

    func uplinkIndex(_ interface: InterfaceID) -> Int? { uplinks.firstIndex { $0.interface == interface } }

    /// The uplink that new sockets use and through which old flows are tunnelled: the newest attachment.
    var currentUplink: Int? {
        uplinks.indices.filter { uplinks[$0].attachment != nil }
            .max { uplinks[$0].attachment!.rank < uplinks[$1].attachment!.rank }
    }

    mutating func nextHeader(to recipient: UInt64, spi: UInt32) -> MessageHeader {
        if sequence == .max {
            epoch += 1
            sequence = 0
        }
        sequence += 1
        return MessageHeader(
            spi: spi, epoch: epoch, sequence: sequence, sender: configuration.node, recipient: recipient)
    }

    /// When the next copy is due after so many were sent.
    mutating func retransmission(after attempts: Int, atMost limit: TimeSpan) -> TimeSpan {
        var span = configuration.retransmission
        for _ in 0..<min(attempts, 16) where span < limit { span = span * 2 }
        return random.jittered(min(span, limit))
    }
}

extension Uplink {
    /// When something is to be done about it.
    var deadline: MonotonicInstant? {
        switch state {
        case .down: nil
        case .soliciting(let retry, _), .attaching(_, let retry, _): retry.nextAt
        case .refused(let until): until
        case .attached(let attachment): attachment.deadline
        }
    }
}

extension Attachment {
    var deadline: MonotonicInstant {
        var earliest = refresh?.nextAt ?? refreshAt
        earliest = min(earliest, probe?.nextAt ?? (lastHeard + sighting.lifetime))
        return earliest
    }
}

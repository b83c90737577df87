import AnchorProtocol
import NetworkTypes

/// Hosts that know nothing of the routers [0077] and roam between them: which router has each, which ones have flows of
/// it, and how the tables of its flows follow it [0079]–[0085]. It does no input or output: it takes an event and the
/// time and returns what to do.
///
/// A host is at one router in an epoch. Only the router that has it gives it to another one, with the next epoch; lower
/// ones change nothing (T4, T14). Where it is, is always the peer of the session that says so, or was named by the router
/// that had it before (T5).
///
/// Each router that had the host and whose table isn't where the host is yet keeps it and sends it there itself, straight,
/// however often the host moves meanwhile. Until all have arrived, packets of flows that nobody knows are asked
/// about from one such router to the next: the *chain*, the latest first.
public struct Roaming: Sendable {
    public let configuration: RoamingConfiguration
    let peers: Set<String>
    var hosts: [IPAddress: RoamingRecord] = [:]
    /// Hosts that are elsewhere and may have flows that began here.
    public internal(set) var hostsWithFlowsLeft: Set<IPAddress> = []
    /// Peers that there is a session with.
    var connected: Set<String> = []
    var timers = RoamingTimers()
    var claimPatience = ClaimPatience()
    var log: RoamingHandovers

    public init(_ configuration: RoamingConfiguration) {
        self.configuration = configuration
        peers = Set(configuration.peers).subtracting([configuration.name])
        log = RoamingHandovers(limit: configuration.handoverLimit)
    }

    var name: String { configuration.name }

    public mutating func handle(_ event: RoamingEvent, at now: MonotonicInstant) -> [RoamingAction] {
        var actions: [RoamingAction] = []
        switch event {
        case .attached(let address, let neighbour, let previous):
            attach(address, neighbour, from: previous, at: now, &actions)
        case .message(let message, let peer): receive(message, from: peer, at: now, &actions)
        case .up(let peer): sessionUp(peer, at: now, &actions)
        case .down(let peer): sessionDown(peer, at: now, &actions)
        case .silent(let address): silence(address, at: now, &actions)
        case .flowsSent(let address, let epoch, let peer, let anchors):
            change(address, at: now, &actions) { $0.flowsSent(&$1, epoch, to: peer, anchors, at: now, &$2) }
        case .flowsReceived(let address, let epoch, let peer, let anchors):
            change(address, at: now, &actions) { $0.flowsReceived(&$1, epoch, from: peer, anchors, at: now, &$2) }
        case .flowsEnded(let address):
            change(address, at: now, &actions) { $0.flowsEnded(&$1, at: now, &$2) }
        case .seen(let activity):
            for seen in activity where hosts[seen.address].map({ $0.lastSeen < seen.lastSeen }) ?? false {
                hosts[seen.address]?.lastSeen = seen.lastSeen
            }
        case .timer: break
        }
        while let address = timers.popDue(at: now) {
            change(address, at: now, &actions) { $0.runDue(&$1, at: now, &$2) }
        }
        return actions
    }

    /// When `.timer` is due; `nil` for never.
    public var nextDeadline: MonotonicInstant? { timers.earliest }

    private mutating func receive(
        _ message: RoamingMessage, from peer: String, at now: MonotonicInstant, _ actions: inout [RoamingAction]
    ) {
        let address = message.host.address
        guard peers.contains(peer) else { return refuse(address, .stranger, from: peer, &actions) }
        // Where that leads to is an attachment like any other, which whoever has the host is asked for.
        if case .station = message { return }
        guard message.host.realm == 0 else { return refuse(address, .realm, from: peer, &actions) }
        guard hosts[address] != nil else { return answerWithoutRecord(message, from: peer, &actions) }
        change(address, at: now, &actions) { roaming, host, actions in
            switch message {
            case .claim(let claim): roaming.claimed(&host, claim, by: peer, at: now, &actions)
            case .grant(let grant): roaming.granted(&host, grant, by: peer, at: now, &actions)
            case .unknown: roaming.notKnown(&host, by: peer, at: now, &actions)
            case .held(let held): roaming.held(&host, held, by: peer, at: now, &actions)
            case .moved(let moved): roaming.moved(&host, moved, says: peer, at: now, &actions)
            case .movedAck(let ack): roaming.movedAck(&host, ack, from: peer, at: now, &actions)
            case .flows(let flows): roaming.flows(&host, flows, from: peer, &actions)
            case .flowsAck(let ack): roaming.flowsAck(&host, ack, from: peer, at: now, &actions)
            case .release(let release): roaming.released(&host, release, by: peer, at: now, &actions)
            case .releaseAck: roaming.releaseAck(&host, from: peer, &actions)
            case .gone(let gone): roaming.isGone(&host, gone, says: peer, at: now, &actions)
            case .station: break
            }
        }
    }

    /// What is said of a host that this router knows nothing of.
    private func answerWithoutRecord(
        _ message: RoamingMessage, from peer: String, _ actions: inout [RoamingAction]
    ) {
        let host = message.host
        switch message {
        case .claim: actions.append(.send(.unknown(Unknown(host: host)), to: peer))
        case .grant(let grant):
            // Whoever says so would wait for ever.
            actions.append(.send(.gone(HostEpoch(host: host, epoch: grant.epoch)), to: peer))
            refuse(host.address, .unasked, from: peer, &actions)
        case .moved(let moved):
            actions.append(.send(.movedAck(HostEpoch(host: host, epoch: moved.epoch)), to: peer))
            sayNothingIsLeft(moved, &actions)
        case .gone(let gone): actions.append(.send(.movedAck(HostEpoch(host: host, epoch: gone.epoch)), to: peer))
        case .release(let release):
            actions.append(.send(.releaseAck(HostEpoch(host: host, epoch: release.epoch)), to: peer))
        case .flows: refuse(host.address, .unexpectedFlows, from: peer, &actions)
        case .unknown, .held, .movedAck, .flowsAck, .releaseAck, .station: break
        }
    }

    /// Whoever has a host counts on flows that are not here.
    func sayNothingIsLeft(_ moved: Moved, _ actions: inout [RoamingAction]) {
        guard moved.to != name, connected.contains(moved.to) else { return }
        actions.append(.send(.release(HostEpoch(host: moved.host, epoch: moved.epoch)), to: moved.to))
    }

    /// Changes what is known of a host, if anything is.
    mutating func change(
        _ address: IPAddress, at now: MonotonicInstant, _ actions: inout [RoamingAction],
        _ body: (inout Roaming, inout RoamingRecord, inout [RoamingAction]) -> Void
    ) {
        guard var host = hosts[address] else { return }
        body(&self, &host, &actions)
        store(host)
    }

    mutating func store(_ host: RoamingRecord) {
        if let away = host.away, away.hasFlows, !away.isReleasing, !host.isForgotten {
            hostsWithFlowsLeft.insert(host.address)
        } else {
            hostsWithFlowsLeft.remove(host.address)
        }
        if host.isForgotten {
            hosts[host.address] = nil
            timers.plan(host.address, at: nil)
        } else {
            hosts[host.address] = host
            timers.plan(host.address, at: host.nextDeadline)
        }
    }

    func refuse(
        _ address: IPAddress, _ refusal: RoamingRefusal, from peer: String, _ actions: inout [RoamingAction]
    ) {
        actions.append(.report(.refused(address, refusal, from: peer)))
    }

    func isTranslated(_ address: IPAddress) -> Bool { configuration.translated.contains(address.family) }

    /// Milliseconds since the host was attached here.
    func age(_ host: RoamingRecord, at now: MonotonicInstant) -> UInt32 {
        guard let attached = host.attached else { return .max }
        return UInt32(clamping: max(0, (now - attached).nanoseconds / 1_000_000))
    }

    /// When a host of that age was attached; long ago for the largest age.
    func attachment(age: UInt32, at now: MonotonicInstant) -> MonotonicInstant {
        MonotonicInstant(nanoseconds: now.nanoseconds - Int64(age) * 1_000_000)
    }

    /// The epoch after both; it stops growing rather than begin anew. A peer can't make it jump.
    func epoch(after known: UInt32, claimed: UInt32 = 0) -> UInt32 {
        let leap: UInt32 = 1 << 16
        let highest = claimed > known && claimed - known > leap ? known : max(known, claimed)
        return highest == .max ? .max : highest + 1
    }
}

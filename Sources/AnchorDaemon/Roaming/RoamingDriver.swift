import AnchorCore
import AnchorDataPlane
import AnchorPeering
import AnchorProtocol
import Dispatch
import Logging
import NetworkTypes

/// Hosts that know nothing and roam between this router and its neighbours: carries out what ``Roaming`` says, and tells
/// it what happens. For the serial queue of its owner.
final class RoamingDriver: @unchecked Sendable {
    /// What its owner does for it.
    struct Owner {
        /// Name of the server chain of hosts on a link.
        var chain: (InterfaceID) -> String?
        /// It is known where a host on a link was before.
        var arrived: (AnchorCore.Neighbour) -> Void
        /// The host is here no more, or was not let in.
        var left: (IPAddress) -> Void
        /// Where a host is on a link, and the other addresses of its station.
        var station: (IPAddress) -> (neighbour: AnchorCore.Neighbour, others: [IPAddress])?
        /// Whether an address may be at that station, which it then counts as.
        var admit: (IPAddress, AnchorCore.Neighbour) -> Bool
        /// Has the programs deal with a frame as if it came in now.
        var inject: (HeldFrames.Frame) -> Void
        var tell: (RoamingReport) -> Void
    }

    let name: String
    private(set) var roaming: Roaming
    private(set) var held = HeldFrames()
    private let plane: ForwardingPlane
    private let dataPlane: KernelDataPlane
    private let queue: DispatchQueue
    private let logger: Logger
    private let owner: Owner
    private let outbox: PeerOutbox
    private let sending = FlowSending()
    private let hostFlows: HostFlows
    private let timer: any DispatchSourceTimer
    private let watch: any DispatchSourceTimer
    private var wakeUp: MonotonicInstant?
    /// What a neighbour that a host has moved to is to hear of its station.
    private var departing: (peer: String, station: Station)?
    /// Chains of hosts that are elsewhere now: their flows pass the servers here still.
    private var chains: [IPAddress: String] = [:]
    /// Hosts whose packets follow what the daemon still has of them: since when, and how many have.
    private var draining: [IPAddress: (since: MonotonicInstant, frames: Int)] = [:]
    /// Hosts that are elsewhere are being looked at.
    private var isLooking = false

    /// How often hosts that are elsewhere are looked at for flows that are left.
    private static let watchInterval = DispatchTimeInterval.milliseconds(500)
    /// The programs don't look for what is left of a host's packets any longer than that.
    private static let drainingSpan = TimeSpan.seconds(3)
    /// A host that has sent more meanwhile sends faster than the daemon: it would never be done, and from then on the
    /// last ones that it has are overtaken.
    private static let drainingFrames = 256

    init(
        _ peering: Peering, _ plane: ForwardingPlane, _ dataPlane: KernelDataPlane, queue: DispatchQueue,
        logger: Logger, owner: Owner
    ) {
        name = peering.name
        var configuration = RoamingConfiguration(name: peering.name, peers: plane.routers.all)
        configuration.translated = plane.settings.nat == nil ? [] : [.v4]
        roaming = Roaming(configuration)
        self.plane = plane
        self.dataPlane = dataPlane
        self.queue = queue
        self.logger = logger
        self.owner = owner
        outbox = PeerOutbox(peering) { peer, error in logger.debug("not sent to \(peer): \(error)") }
        hostFlows = HostFlows(dataPlane.nat, owner: queue) { flows, host, room in
            do throws(DataPlaneError) {
                let result = try dataPlane.insertAway(flows, of: host, within: &room)
                guard result.refused > 0 else { return }
                logger.warning("flows of \(host) found no room", metadata: ["flows": "\(result.refused)"])
            } catch {
                logger.error("\(error)")
            }
        }
        timer = DispatchSource.makeIdleTimer(on: queue)
        watch = DispatchSource.makeIdleTimer(on: queue)
    }

    /// Takes over the hosts that a former process has left in the table.
    func start() throws(DataPlaneError) {
        try plane.adoptRouters()
        let now = MonotonicClock.now()
        let admitted = dataPlane.formerlyAdmittedPeers
        var strays: [IPAddress] = []
        try dataPlane.scanHosts { entry, _ in
            guard entry.isUnaware else { return true }
            if let binding = plane.binding(entry, admitted: admitted[entry.key.address] ?? []) {
                if entry.chain > 0, Int(entry.chain) <= plane.chains.count {
                    chains[entry.key.address] = ForwardingPlane.chainName(plane.chains[Int(entry.chain) - 1])
                }
                roaming.adopt(binding, at: now)
            } else {
                strays.append(entry.key.address)
            }
            return true
        }
        for address in strays { try plane.removeRoaming(address) }
        for binding in roaming.bindings { try plane.admitAgain(binding) }
        timer.setEventHandler { [weak self] in
            self?.wakeUp = nil
            self?.handle(.timer)
        }
        watch.setEventHandler { [weak self] in
            self?.lookForFlows()
            self?.endDraining()
        }
        watch.schedule(
            deadline: .now() + Self.watchInterval, repeating: Self.watchInterval, leeway: .milliseconds(50))
        schedule()
    }

    func stop() {
        timer.cancel()
        watch.cancel()
    }

    // MARK: What happens

    func handle(_ event: RoamingEvent) {
        dispatchPrecondition(condition: .onQueue(queue))
        perform(roaming.handle(event, at: MonotonicClock.now()))
        schedule()
    }

    /// A host's first packet, which waits until it is known where it was before.
    func attached(_ host: IPAddress, _ neighbour: AnchorCore.Neighbour, _ frame: HeldFrames.Frame) {
        held.add(frame, of: host)
        handle(.attached(host, neighbour))
    }

    /// Another frame of a host that waits.
    func hold(_ frame: HeldFrames.Frame, of host: IPAddress) { held.add(frame, of: host) }

    func receive(_ event: PeerEvent) {
        switch event {
        case .up(let session):
            do {
                try plane.setRouter(session.peer, endpoints: session.hello.endpoints)
            } catch {
                logger.error("\(error)")
            }
            outbox.open(session.peer)
            handle(.up(session.peer))
        case .down(let session, _):
            outbox.close(session.peer)
            handle(.down(session.peer))
        case .message(let session, let type, let payload):
            do throws(RoamingMessageError) {
                let message = try RoamingMessage(type: type, payload: Array(buffer: payload))
                if case .station(let station) = message { return follow(station) }
                handle(.message(message, from: session.peer))
            } catch {
                // Of a neighbour of a later version, or one that is broken.
                logger.warning("a message of \(session.peer) is none that this router knows: \(error)")
            }
        case .refused, .credentialsRenewed, .credentialsRefused: break
        }
    }

    /// A station has come, with other addresses most likely, which whoever has them is asked for.
    private func follow(_ station: Station) {
        guard let known = owner.station(station.host.address), known.neighbour.mac == station.mac else { return }
        for other in station.others where owner.admit(other, known.neighbour) {
            handle(.attached(other, known.neighbour))
        }
    }

    /// Hosts that are elsewhere and of which no flow that began here is alive are released. What isn't translated has no
    /// entry a flow: as long as there are packets.
    private func lookForFlows() {
        guard !isLooking else { return }
        var bindings: [IPAddress: RoamingBinding] = [:]
        for host in roaming.hostsWithFlowsLeft {
            guard roaming.configuration.translated.contains(host.family) else {
                if isSilent(host) { handle(.flowsEnded(host)) }
                continue
            }
            bindings[host] = roaming.binding(of: host)
        }
        guard !bindings.isEmpty else { return }
        isLooking = true
        let asked = bindings
        hostFlows.findHostsWithoutFlows(Array(asked.keys)) { [weak self] hosts in
            guard let self else { return }
            isLooking = false
            // Of one that has moved since, it says nothing.
            for host in hosts where roaming.binding(of: host) == asked[host] { handle(.flowsEnded(host)) }
        }
    }

    private func isSilent(_ host: IPAddress) -> Bool {
        roaming.lastSeen(host).map { MonotonicClock.now() - $0 >= Self.untranslatedIdle } ?? false
    }

    /// A host that isn't translated is released after as long without a packet (RFC 4787, REQ-5, has it for UDP).
    private static let untranslatedIdle = TimeSpan.seconds(300)

    private func schedule() {
        let deadline = roaming.nextDeadline
        guard deadline != wakeUp else { return }
        wakeUp = deadline
        guard let deadline else { return timer.schedule(deadline: .distantFuture) }
        let wait = max(0, (deadline - MonotonicClock.now()).nanoseconds)
        timer.schedule(deadline: .now() + .nanoseconds(Int(wait)), leeway: .milliseconds(1))
    }

    // MARK: What is to be done

    private func perform(_ actions: [RoamingAction]) {
        for action in actions where !action.isReport { perform(action) }
        departing = nil
        // What is logged and told to operators has time.
        for action in actions where action.isReport { perform(action) }
    }

    private func perform(_ action: RoamingAction) {
        do {
            switch action {
            case .install(let binding): try install(binding)
            case .remove(let host):
                // Nothing names a host that is not there.
                hostFlows.wait(for: host)
                try plane.removeRoaming(host)
                chains[host] = nil
                draining[host] = nil
                sending.forget(host)
                owner.left(host)
            case .release(let host): try release(host)
            case .refuse(let host):
                _ = held.take(host)
                owner.left(host)
            case .send(let message, let peer):
                outbox.send(message, to: peer)
                // Behind the grant, by which the host is there.
                if case .grant = message, let (to, station) = departing, to == peer, station.host == message.host {
                    outbox.send(.station(station), to: peer)
                    departing = nil
                }
            case .sendFlows(let host, let epoch, let peer, let anchoredAt, let isLast):
                send(
                    FlowSending.Job(
                        host: host, epoch: epoch, peer: peer, own: name, anchoredAt: anchoredAt, isLast: isLast,
                        turn: sending.turn(of: host)))
            case .cancelFlows(let host): sending.cancel(host)
            case .insertFlows(let flows, let peer): insert(flows, from: peer)
            case .removeAway(let host, let router):
                // One without a number has none.
                let number = router.map { plane.routers.number(of: $0) }
                if case .some(.none) = number { break }
                hostFlows.remove(host, router: (number ?? nil).map { UInt32($0) })
            case .report(let report): owner.tell(report)
            }
        } catch {
            logger.error("\(error)")
        }
    }

    private func install(_ binding: RoamingBinding) throws(DataPlaneError) {
        let host = binding.address
        switch binding.place {
        case .here(let neighbour, let isClaimed):
            chains[host] = owner.chain(neighbour.interface)
            let order: HandOverOrder = held.has(host) ? .held : draining[host] != nil ? .draining : .none
            try plane.install(binding, chain: chains[host], order: order)
            if !isClaimed { owner.arrived(neighbour) }
        case .away(let peer):
            draining[host] = nil
            try plane.install(binding, chain: chains[host])
            // The first of them takes the others along.
            if let (neighbour, others) = owner.station(host), !others.isEmpty {
                let named = Array(others.sorted().prefix(Station.mostOthers))
                departing = (peer, Station(host: RoamingHost(host), mac: neighbour.mac, others: named))
            }
            owner.left(host)
        }
    }

    /// Sends on what was held of a host, in its order: until that is through, further packets are held as well, and until
    /// those are through, what comes meanwhile follows them.
    private func release(_ host: IPAddress) throws(DataPlaneError) {
        let frames = held.take(host)
        guard !frames.isEmpty else { return }
        for frame in frames { owner.inject(frame) }
        guard let binding = roaming.binding(of: host), case .here(_, isClaimed: false) = binding.place else { return }
        try dataPlane.letDrain()
        try plane.install(binding, chain: chains[host], order: .draining)
        draining[host] = (MonotonicClock.now(), 0)
    }

    /// A packet of a host that is known here has come by way of the daemon.
    func followed(_ host: IPAddress) {
        guard var following = draining[host] else { return }
        following.frames += 1
        draining[host] = following
        if following.frames >= Self.drainingFrames { endDraining(host) }
    }

    private func endDraining(_ host: IPAddress) {
        draining[host] = nil
        guard let binding = roaming.binding(of: host), case .here = binding.place else { return }
        do {
            try plane.install(binding, chain: chains[host])
        } catch {
            logger.error("\(error)")
        }
    }

    /// Hosts of which nothing can be left have the usual way again.
    private func endDraining() {
        let now = MonotonicClock.now()
        for (host, following) in draining where now - following.since >= Self.drainingSpan { endDraining(host) }
    }

    private func send(_ job: FlowSending.Job) {
        let (sending, dataPlane, outbox, routers) = (sending, dataPlane, outbox, plane.routers.names)
        outbox.enqueue(to: job.peer) { [weak self, queue] in
            guard let anchors = await sending.send(job, of: dataPlane, routers: routers, by: outbox) else { return }
            queue.async { [weak self] in
                // Called off at this moment, it counts as not sent.
                guard sending.turn(of: job.host) == job.turn else { return }
                self?.handle(.flowsSent(job.host, epoch: job.epoch, to: job.peer, anchors: anchors))
            }
        }
    }

    private func insert(_ flows: Flows, from peer: String) {
        let host = flows.host.address
        let numbers = flows.anchors.map { plane.routers.number(of: $0).map { UInt32($0) } }
        // Those of routers that this one doesn't know have nowhere to go.
        let known = flows.flows.compactMap { flow -> RoamingFlow? in
            guard let anchor = numbers[Int(flow.anchor)] else { return nil }
            return RoamingFlow(
                transport: flow.transport, localPort: flow.localPort, remote: IPAddress(v4: flow.remote),
                remotePort: flow.remotePort, anchor: anchor, seen: UInt32(flow.seen))
        }
        guard flows.isLast else { return hostFlows.add(known, of: host, isFirst: flows.number == 0) }
        let (epoch, routers) = (flows.epoch, plane.routers.names)
        hostFlows.add(known, of: host, isFirst: flows.number == 0) { [weak self] anchors in
            let names = Set(anchors.compactMap { routers[Int($0)] })
            self?.handle(.flowsReceived(host, epoch: epoch, from: peer, anchors: names))
        }
    }
}

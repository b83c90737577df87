import AnchorCore
import AnchorDataPlane
import AnchorProtocol
import ControlAPI
import Dispatch
import Logging
import Netlink
import NetworkTypes

/// An access router on this machine: carries out what ``AccessRouter`` says, and tells it what happens.
///
/// All of it, the initialiser apart, happens on one serial queue, which is what makes it safe to hand around.
final class AccessRouterService: @unchecked Sendable {
    let settings: AccessRouterSettings
    let queue: DispatchQueue
    let logger: Logger
    let events: EventHub
    let dataPlane: KernelDataPlane
    let epoch: UInt32
    private(set) var router: AccessRouter
    private(set) var plane: ForwardingPlane!
    var staticHosts: StaticHosts
    var serverMarks: ServerMarks
    var unaware: UnawareHosts
    var counters = MessageCounters()
    var relay = TunnelErrorRelay()
    let errors: ErrorSender
    /// `nil` without `[peering]`.
    let peering: PeeringService?
    /// Where a link is to have router advertisements.
    private var advertiser: Advertiser?
    private var lastAdvertisements = MonotonicClock.now()
    /// Names of the other routers, by the indices that the tables have.
    let routerNames: [Int: String]
    /// Where there are neighbours: hosts that roam between them and this router.
    private(set) var roaming: RoamingDriver?

    private var transport: ProtocolTransport!
    private var journal: RecordStore!
    /// Until what an earlier run stored is in ``router``.
    private var restoration: Restoration?
    /// What came of access links before that.
    private var earlyLinks: [(InterfaceID, isUp: Bool)] = []
    private var eventReader: EventReader?
    private let netlinkMonitor: NetlinkMonitor
    private var sources: [any DispatchSourceProtocol] = []
    private let timer: any DispatchSourceTimer
    private let housekeeping: any DispatchSourceTimer
    /// What the timer is set to, which costs more than many a message.
    private var wakeUp: MonotonicInstant?
    private var lastScan: MonotonicInstant
    private(set) var isStopped = false
    /// Where there is a NAT: what is done to its tables from time to time.
    var translationPass: TranslationPass?
    var isTranslationPassUnderWay = false
    var lastTranslationPass = Duration.zero
    private(set) var scan = ScanTimes()
    private var fullness = FullnessWatch()

    /// How often hosts are looked at for signs of life, and next hops are verified.
    private static let scanInterval = 5
    /// How often nodes are told again, a third of what they need to hear it in.
    private static let advertisementInterval = TimeSpan.seconds(600)
    /// Places of the host table that are looked at in one go: a fraction of a millisecond, also where each host in them
    /// was heard of.
    private static let scanPlaces = 4096
    /// Records that go into a new journal in one go.
    private static let snapshotPlaces = 4096

    init(
        _ configuration: DaemonConfiguration, _ settings: AccessRouterSettings, queue: DispatchQueue, logger: Logger,
        events: EventHub
    ) throws {
        self.settings = settings
        self.queue = queue
        self.logger = logger
        self.events = events
        let folder = configuration.stateDirectory
        epoch = try EpochFile(path: folder + "/access-router.epoch").next()
        staticHosts = try StaticHosts(path: folder + "/static-hosts.json")
        serverMarks = try ServerMarks(path: folder + "/servers-down.json")
        let names = settings.access.map(\.interface) + settings.coreInterfaces + settings.servers.flatMap(\.interfaces)
        let numbers = try PortNumbers.stored(names, path: folder + "/interfaces.json")
        let ports = PortTable(settings, numbers: numbers)
        unaware = UnawareHosts(settings, numbers: numbers)
        // First, since it is refused where another daemon has the port: nothing is in the kernel yet.
        transport = try ProtocolTransport(port: settings.port, interfaces: ports) { logger.warning("\($0)") }
        let routers: RouterDirectory
        if let peers = configuration.peering {
            let service = try PeeringService(peers, settings, epoch: epoch, logger: logger, events: events)
            try service.start()
            let others = peers.peers.map(\.name).filter { $0 != service.peering.name }
            routers = try RouterDirectory(others, path: folder + "/routers.json")
            peering = service
        } else {
            peering = nil
            routers = RouterDirectory()
        }
        routerNames = routers.names
        let core = AccessRouterConfiguration(
            settings, epoch: epoch, numbers: numbers, reserved: staticHosts.addresses)
        router = try AccessRouter(core)
        // Goes on while tables and programs are made.
        restoration = Restoration(of: router, from: folder + "/journal", capacity: settings.hostCapacity)
        let outside = Self.numberedOutside(settings, instance: configuration.instance)
        dataPlane = try KernelDataPlane(
            .init(
                instance: configuration.instance, program: .accessRouter, hostCapacity: settings.hostCapacity,
                spillCapacity: max(4096, settings.hostCapacity / 16),
                nat: settings.nat?.capacity(hosts: settings.hostCapacity, outside: outside)))
        errors = try ErrorSender()
        // Opened before the tables are read, so that nothing is missed in between.
        netlinkMonitor = try NetlinkMonitor()
        timer = DispatchSource.makeIdleTimer(on: queue)
        housekeeping = DispatchSource.makeIdleTimer(on: queue)
        lastScan = MonotonicClock.now()
        let netlink = try NetlinkSocket()
        plane = ForwardingPlane(
            settings, ports: ports, markedDown: serverMarks.down, dataPlane: dataPlane, netlink: netlink,
            routers: routers, reports: reports()
        ) { [dataPlane] port throws(DataPlaneError) in try dataPlane.attach(port) }
        if let nat = settings.nat { translate(nat, outside: outside) }
        if let peering {
            roaming = RoamingDriver(
                peering.peering, plane, dataPlane, queue: queue, logger: logger, owner: roamingOwner())
        }
    }

    /// Adopts what is in the kernel, puts it right, and begins.
    func start() throws {
        dispatchPrecondition(condition: .onQueue(queue))
        logger.info(
            "data plane \(dataPlane.wasAdopted ? "adopted" : "made")",
            metadata: ["hosts": "\(dataPlane.hostTable.entries)", "mended": "\(dataPlane.mendedEntries)"])
        try plane.begin()
        try restore()
        let fixed = staticHosts.addresses
        var loader = HostLoader(plane)
        let actions = router.start(at: MonotonicClock.now()) { binding in
            if !fixed.contains(binding.address) { loader.add(binding) }
        }
        let loaded = loader.finish()
        plane.finishAttaching()
        if let failure = loaded.failure { logger.error("\(failure)") }
        perform(actions)
        try adoptUnawareHosts()
        try roaming?.start()
        peering?.deliver(on: queue) { [weak self] in self?.roaming?.receive($0) }
        let others = staticHosts.bindings(plane)
        for host in others { try plane.install(CollectionOfOne(host)) }
        // With all in force, and no more than those in the table, there is nothing else.
        if loaded.failure != nil || dataPlane.hostTable.entries != loaded.count + others.count { try reconcile() }
        finishTranslation()
        finish()
        watch(netlinkMonitor.descriptor) { $0.kernelChanged() }
        eventReader = try EventReader(dataPlane, on: queue) { [logger] in
            logger.error("\($0)")
        } handle: { [weak self] in
            self?.handle($0)
        }
        advertiser = try Advertiser(settings, plane.ports, logger: logger)
        if let advertiser {
            watch(advertiser.sockets.descriptor) { service in
                service.advertiser?.answer { service.unaware.addresses(of: $0) }
            }
        }
        transport.start(on: queue) { [weak self] in self?.receive($0) }
        timer.setEventHandler { [weak self] in
            self?.wakeUp = nil
            self?.handle(.timer)
        }
        housekeeping.setEventHandler { [weak self] in self?.keepHouse() }
        housekeeping.schedule(
            deadline: .now() + .seconds(Self.scanInterval), repeating: .seconds(Self.scanInterval), leeway: .seconds(1))
    }

    /// Takes over what an earlier run stored, and tells it what came of links meanwhile.
    private func restore() throws {
        guard let restoration else { return }
        self.restoration = nil
        do {
            let journal: Journal
            (router, journal) = try restoration.finish()
            self.journal = RecordStore(journal, queue: queue) { [weak self] in self?.stored($0) }
        } catch {
            plane.finishAttaching()
            // Programs without leases let nobody through: better none than those.
            if !dataPlane.wasAdopted { attempt { try dataPlane.unload() } }
            throw error
        }
        for (interface, isUp) in earlyLinks {
            perform(router.handle(.link(interface, isUp: isUp), at: MonotonicClock.now()))
        }
        earlyLinks = []
    }

    /// Ends; the data plane stays in force.
    func stop() {
        dispatchPrecondition(condition: .onQueue(queue))
        isStopped = true
        peering?.stop()
        roaming?.stop()
        timer.cancel()
        housekeeping.cancel()
        transport.stop()
        eventReader?.stop()
        translationPass?.drain()
        for source in sources { source.cancel() }
        sources = []
        journal.drain()
    }

    /// Takes out of the data plane what no binding stands for.
    private func reconcile() throws {
        let fixed = staticHosts.addresses
        let removed = try plane.removeHosts {
            router.holds($0) || fixed.contains($0) || unaware.holds($0) || roaming?.roaming.holds($0) == true
        }
        if removed > 0 { logger.notice("removed hosts that nothing stands for", metadata: ["hosts": "\(removed)"]) }
    }

    func watch(_ descriptor: Int32, _ body: @escaping @Sendable (AccessRouterService) -> Void) {
        let source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { [weak self] in
            if let self { body(self) }
        }
        source.activate()
        sources.append(source)
    }

    // MARK: The state machine

    func handle(_ event: AccessRouterEvent) {
        dispatchPrecondition(condition: .onQueue(queue))
        perform(router.handle(event, at: MonotonicClock.now()))
        finish()
    }

    private func receive(_ datagrams: [Datagram]) {
        let now = MonotonicClock.now()
        // The kernel hands our own broadcasts back.
        for datagram in datagrams where !plane.isOwn(datagram.source) {
            let actions = router.handle(.datagram(datagram), at: now)
            counters.count(datagram, actions)
            perform(actions)
        }
        finish()
    }

    private func stored(_ outcome: RecordStore.Outcome) {
        switch outcome {
        case .stored(let number): handle(.persisted(through: number))
        case .failed(let numbers, let cause):
            logger.error("changes are refused, since they can't be stored", metadata: ["cause": "\(cause)"])
            handle(.persistFailed(numbers))
        }
        guard journal.wantsCompaction else { return }
        journal.compact { [self] place, body in
            router.snapshot(from: place, places: Self.snapshotPlaces, body)
        } failed: { [logger] in
            logger.error("the journal can't be written anew, the old one goes on", metadata: ["cause": "\($0)"])
        }
    }

    /// Carries actions out in their order; bindings that follow each other in one go.
    private func perform(_ actions: [AccessRouterAction]) {
        var bindings: [HostBinding] = []
        for action in actions {
            if case .install(let binding) = action {
                bindings.append(binding)
                continue
            }
            install(&bindings)
            switch action {
            case .install: break
            case .persist(let record, let number): journal.append(record, number)
            case .remove(let address):
                if !staticHosts.addresses.contains(address) {
                    attempt { try plane.remove(address) }
                }
            case .send(let datagram): transport.send(datagram)
            case .report(let report): tell(report)
            }
        }
        install(&bindings)
    }

    private func install(_ bindings: inout [HostBinding]) {
        guard !bindings.isEmpty else { return }
        if !staticHosts.addresses.isEmpty { bindings.removeAll { staticHosts.addresses.contains($0.address) } }
        attempt { try plane.install(bindings) }
        bindings.removeAll(keepingCapacity: true)
    }

    /// After actions: what gathered goes out in one go, and the next deadline is set.
    private func finish() {
        transport.flush()
        journal.commit()
        let deadline = router.nextDeadline
        guard deadline != wakeUp else { return }
        wakeUp = deadline
        guard let deadline else {
            timer.schedule(deadline: .distantFuture)
            return
        }
        let wait = max(0, (deadline - MonotonicClock.now()).nanoseconds)
        timer.schedule(deadline: .now() + .nanoseconds(Int(wait)), leeway: .milliseconds(1))
    }

    func attempt(_ work: () throws -> Void) {
        do { try work() } catch { logger.error("\(error)") }
    }

    // MARK: What the kernel tells

    private func kernelChanged() {
        attempt { try plane.handle(try netlinkMonitor.receive()) }
    }

    /// Tells a node that has come which IPv6 addresses to use, and from time to time again.
    func advertise(to neighbour: AnchorCore.Neighbour) {
        advertiser?.advertise(
            to: neighbour.mac, on: neighbour.interface.number, unaware.addresses(of: neighbour.mac))
    }

    private func reports() -> ForwardingPlane.Reports {
        ForwardingPlane.Reports(
            linkChanged: { [weak self] in self?.linkChanged($0, isUp: $1) },
            attached: { [weak self] in self?.attached($0) },
            serverChanged: { [weak self] name, isUp in
                self?.logger.notice("server is \(isUp ? "up" : "down")", metadata: ["server": "\(name)"])
                self?.events.tell(
                    isUp ? "server-up" : "server-down", "server \(name) is \(isUp ? "up" : "down")", ["server": name])
            },
            warn: { [logger] in logger.warning("\($0)") })
    }

    private func linkChanged(_ interface: InterfaceID, isUp: Bool) {
        if isUp, let index = plane.ports.kernelIndex(of: interface) {
            attempt { try transport.joinRouters(on: index) }
        }
        if restoration == nil { handle(.link(interface, isUp: isUp)) } else { earlyLinks.append((interface, isUp)) }
        let name = plane.ports.ports[interface.number]?.name ?? ""
        events.tell(
            isUp ? "link-up" : "link-down", "access link \(name) is \(isUp ? "up" : "down")", ["interface": name])
    }

    private func attached(_ attachment: ProgramAttachment) {
        var metadata: Logger.Metadata = [
            "interface": "\(attachment.interface)", "programs": "\(attachment.programs.joined(separator: ","))",
            "mode": "\(attachment.mode.rawValue)",
        ]
        acceptTranslated(on: attachment.interface)
        if let fallback = attachment.fallback { metadata["fallback"] = "\(fallback)" }
        let level: Logger.Level = attachment.mode == .generic ? .warning : .info
        logger.log(level: level, "\(attachment.hasReplaced ? "replaced" : "attached") programs", metadata: metadata)
    }

    // MARK: From time to time

    private func keepHouse() {
        let now = MonotonicClock.now()
        // A tick of the table's clock more, so that nothing falls between two scans.
        let span = Duration.nanoseconds((now - lastScan).nanoseconds) + .seconds(2)
        // One that takes longer than until the next is not overtaken.
        if !scan.isUnderWay {
            lastScan = now
            scan.begin()
            look(since: span, from: 0)
        }
        beginTranslationPass()
        attempt { try plane.forgetPathMTUs(at: now) }
        expireUnawareHosts()
        if now - lastAdvertisements >= Self.advertisementInterval {
            lastAdvertisements = now
            for neighbour in unaware.stations { advertise(to: neighbour) }
        }
        attempt { try plane.settle() }
        plane.nextHops.refreshAll()
        warnOfFullTables()
    }

    /// Looks for signs of life in a part of the host table, and has what comes meanwhile go before the next part.
    private func look(since span: Duration, from place: Int) {
        let start = MonotonicClock.now()
        var next: Int?
        attempt {
            let part = try plane.activity(since: span, at: start, from: place, places: Self.scanPlaces)
            unaware.note(part.seen)
            if !part.seen.isEmpty { roaming?.handle(.seen(part.seen)) }
            let actions = part.seen.isEmpty ? [] : router.handle(.activity(part.seen), at: MonotonicClock.now())
            if !actions.isEmpty {
                perform(actions)
                finish()
            }
            next = part.next
        }
        scan.took(MonotonicClock.now() - start, isLast: next == nil)
        guard let next, !isStopped else { return }
        queue.async { [weak self] in self?.look(since: span, from: next) }
    }

    /// Once for each table that fills up.
    private func warnOfFullTables() {
        attempt {
            for table in fullness.news(try MapModel.nearlyFull(dataPlane)) { logger.warning("\(table.fullness)") }
        }
    }
}

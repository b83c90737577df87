import AnchorCore
import AnchorDataPlane
import AnchorProtocol
import Dispatch
import Netlink
import NetworkTypes

/// What the driver does not do itself. All of it is called on the driver's queue.
struct MobileNodeSurroundings {
    /// Queues a datagram of the anchor protocol.
    var send: (OutgoingDatagram) -> Void
    /// Sends what is queued.
    var flush: () -> Void
    /// Stores, or forgets, what a restarted program needs.
    var remember: (MobileNodeRecord) -> Void
    var forget: (IPAddress) -> Void
    var rememberEpoch: (UInt32) -> Void
    /// News for logs and `anchorctl monitor`.
    var report: (MobileNodeReport) -> Void
    /// Something that did not work, in words.
    var warn: (String) -> Void
    var now: () -> MonotonicInstant
}

/// Runs the mobile node's state machine on this host: tells it of links, routers and flows, and does what it says.
///
/// All of it, the initialiser apart, happens on one serial queue, which is what makes it safe to hand around.
final class MobileNodeDriver: @unchecked Sendable {
    var node: MobileNode
    let host: MobileHost
    let flows: FlowCounter
    let forwarding: any MobileForwarding
    let netlink: NetlinkSocket
    let monitor: NetlinkMonitor
    var settings: InterfaceSettings
    let surroundings: MobileNodeSurroundings
    let queue: DispatchQueue
    var sources: [any DispatchSourceProtocol] = []
    let timer: any DispatchSourceTimer
    let flowTimer: any DispatchSourceTimer
    var prepared: Set<InterfaceIndex> = []
    var addresses: Set<IPAddress> = []
    var recountIsDue = false
    var restorationIsDue = false
    /// Care-of addresses of which the router is to be set among what is being carried out.
    private var routesDue: Set<IPAddress> = []
    /// Bindings that the programs get after the route of their address.
    private var installsDue: [IPAddress: AnchorBinding] = [:]
    /// Routers of which the programs are to be told.
    private var untold: [(uplink: InterfaceID, gateway: IPAddress)] = []
    var isRunning = false
    var tunnelMTUs = TunnelMTUs()
    /// Addresses of an earlier run that it goes on with.
    let restored: Set<IPAddress>

    /// How often flows are counted where no socket says that one ended.
    static let countingInterval = DispatchTimeInterval.seconds(1)
    /// Ends of sockets come in flocks, and so do changes of a move, which a count would hold up: one for all within
    /// this span.
    static let gatheringSpan = DispatchTimeInterval.milliseconds(20)

    /// What a link took with it when it went is put back when it comes, or after this span.
    static let restorationSpan = DispatchTimeInterval.milliseconds(20)

    /// - Parameters:
    ///   - interfaces: names of the uplinks.
    ///   - records: what an earlier run remembered.
    ///   - queue: serial.
    ///   - port: UDP port of the anchor protocol.
    ///   - patience: how long silent flows count as alive.
    ///   - namespace: the network namespace to work in; the process's own by default.
    init(
        _ configuration: MobileNodeConfiguration, interfaces: [InterfaceID: String], records: [MobileNodeRecord],
        forwarding: any MobileForwarding, surroundings: MobileNodeSurroundings, queue: DispatchQueue,
        port: UInt16 = AnchorMessage.port, patience: FlowPatience = FlowPatience(), namespace: NetworkNamespace? = nil
    ) throws {
        restored = Set(records.map(\.address))
        self.surroundings = surroundings
        self.queue = queue
        self.forwarding = forwarding
        node = try MobileNode(configuration, restoring: records)
        // Opened before the tables are read, so that nothing is missed in between.
        monitor = try NetlinkMonitor(namespace: namespace)
        netlink = try NetlinkSocket(namespace: namespace)
        host = try MobileHost(netlink: netlink, uplinks: UplinkTable(interfaces)) {
            surroundings.warn($0.description)
        }
        flows = try FlowCounter(
            namespace: namespace, records: forwarding, patience: patience, controlPort: port)
        settings = InterfaceSettings(namespace: namespace)
        timer = DispatchSource.makeIdleTimer(on: queue)
        flowTimer = DispatchSource.makeIdleTimer(on: queue)
    }

    /// Looks at the links and begins.
    func start() throws {
        dispatchPrecondition(condition: .onQueue(queue))
        isRunning = true
        watch(monitor.descriptor) { $0.kernelChanged() }
        watch(flows.descriptor) { $0.socketsEnded() }
        timer.setEventHandler { [weak self] in self?.handle(.timer) }
        flowTimer.setEventHandler { [weak self] in self?.countFlows() }
        flowTimer.schedule(deadline: .now() + Self.countingInterval, repeating: Self.countingInterval)
        attempt {
            try forwarding.watchErrors(on: queue) { [weak self] packet in self?.learn(packet[...]) }
        }
        host.discardInherited(except: restored)
        attempt { try forwarding.discardInherited(except: restored) }
        try refreshLinks()
    }

    // MARK: What others tell

    /// A datagram of the anchor protocol came in.
    func receive(_ datagram: Datagram) {
        // The kernel hands our own broadcasts back.
        guard !addresses.contains(datagram.source) else { return }
        handle(.datagram(datagram))
    }

    /// Told to attach (`anchorctl attach`).
    func attach(_ uplink: InterfaceID, router: UInt64?) { handle(.attach(uplink, router: router)) }

    func detach(_ uplink: InterfaceID) { handle(.detach(uplink)) }

    /// Ends for good: anchors are released, addresses, routes and programs go.
    func stop() {
        handle(.stop)
        suspend()
        host.removeAll()
        attempt { try forwarding.unload() }
        settings.restore()
    }

    /// Ends, and leaves everything in the kernel as it is: packets go on, and the next run takes over.
    func suspend() {
        dispatchPrecondition(condition: .onQueue(queue))
        flowTimer.cancel()
        timer.cancel()
        for source in sources { source.cancel() }
        sources = []
        isRunning = false
    }

    // MARK: What others ask

    /// The uplink with this index in the kernel.
    func uplink(ofKernelIndex index: UInt32) -> InterfaceID? { host.uplinks.uplink(index: index)?.id }

    /// `nil` while the interface is away.
    func kernelIndex(of uplink: InterfaceID) -> UInt32? { host.uplinks.index(of: uplink) }

    /// As the kernel described it last; `nil` while the interface is away.
    func link(of uplink: InterfaceID) -> Link? { host.uplinks[uplink]?.link }

    /// Live flows of an own address, as counted last.
    func liveFlows(of address: IPAddress) -> Int { flows.count(of: address) }

    /// The flow table [0037].
    func flowTable() throws -> [FlowEntry] { try forwarding.flows() }

    /// The state machine as it is, for `status` and `flow list`.
    var state: MobileNode { node }

    // MARK: The state machine

    func handle(_ event: MobileNodeEvent) {
        dispatchPrecondition(condition: .onQueue(queue))
        // What was under way when it ended comes too late.
        guard isRunning else { return }
        let actions = node.handle(event, at: surroundings.now())
        var isHolding = false
        for case .setRoute(let route) in actions { routesDue.insert(route.source) }
        for action in actions where !action.isReport {
            // Messages leave before the work that follows them.
            if isHolding, !action.isMessage { surroundings.flush() }
            isHolding = action.isMessage
            perform(action)
        }
        if isHolding { surroundings.flush() }
        // What is logged and told to operators has time.
        for action in actions where action.isReport { perform(action) }
        host.finishRoutes()
        if actions.contains(where: \.isRoute) { restoreIfDue() }
        for (uplink, gateway) in untold { tellGateway(gateway, on: uplink) }
        untold = []
        schedule()
    }

    func schedule() {
        guard let deadline = node.nextDeadline else {
            timer.schedule(deadline: .distantFuture)
            return
        }
        let wait = max(0, (deadline - surroundings.now()).nanoseconds)
        timer.schedule(deadline: .now() + .nanoseconds(Int(wait)), leeway: .microseconds(100))
    }

    func perform(_ action: MobileNodeAction) {
        switch action {
        case .addAddress(let own):
            addresses.insert(own.address)
            host.add(own)
            // From now on its flows decide how long it is kept.
            if !own.preferred { countSoon() }
        case .removeAddress(let address, let uplink):
            if host.remove(address, from: uplink) { addresses.remove(address) }
        case .setRoute(let route):
            host.set(route)
            routesDue.remove(route.source)
            if let binding = installsDue.removeValue(forKey: route.source) {
                attempt { try forwarding.install(binding) }
            }
            attempt { try forwarding.setMTU(route.mtu, of: route.interface) }
            untold.append((route.interface, route.gateway))
        case .removeRoute(let family, let uplink):
            host.removeRoute(family, uplink)
        case .install(let binding): install(binding)
        case .remove(let address):
            installsDue[address] = nil
            attempt { try forwarding.remove(address) }
        case .resolve(let gateways, let uplink): host.resolve(gateways, on: uplink)
        case .send(let datagram): surroundings.send(datagram)
        case .remember(let record): surroundings.remember(record)
        case .forget(let address): surroundings.forget(address)
        case .rememberEpoch(let epoch): surroundings.rememberEpoch(epoch)
        case .report(let report): surroundings.report(report)
        }
    }

    /// Programs on any uplink put packets into the tunnel and know the way to its end, so they come before the route of
    /// what goes there. What goes plain is sent to the neighbour that the kernel's route names, whichever link it is sent
    /// on: there the route comes first, or packets in between would look for a router on another's link, and be lost.
    private func install(_ binding: AnchorBinding) {
        let isRouteDue = routesDue.contains(binding.address)
        guard binding.path.isRoutedPlain else {
            attempt { try forwarding.install(binding) }
            return host.bind(binding.address, to: binding.path, isRouteDue: isRouteDue)
        }
        host.bind(binding.address, to: binding.path, isRouteDue: isRouteDue)
        if isRouteDue {
            installsDue[binding.address] = binding
        } else {
            attempt { try forwarding.install(binding) }
        }
    }

    func tellGateway(_ gateway: IPAddress, on uplink: InterfaceID) {
        attempt {
            let known = try host.uplinks.index(of: uplink).flatMap { try netlink.neighbour(gateway, on: $0) }
            try forwarding.setGateway(gateway, mac: known?.isUsable == true ? known?.mac : nil, on: uplink)
        }
    }

    func attempt(_ work: () throws -> Void) {
        do { try work() } catch { surroundings.warn("\(error)") }
    }
}

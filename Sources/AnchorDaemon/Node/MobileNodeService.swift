import AnchorCore
import AnchorDataPlane
import ControlAPI
import Dispatch
import Logging
import NetworkTypes

/// A mobile node on this machine: the driver of its state machine with sockets, memory and an API around it.
///
/// All of it, the initialiser apart, happens on one serial queue, which is what makes it safe to hand around.
final class MobileNodeService: DaemonRole, @unchecked Sendable {
    let name = "mobile-node"
    let queue: DispatchQueue
    let logger: Logger
    let events: EventHub
    let dataPlane: KernelDataPlane
    let epoch: UInt32
    /// Numbers of the uplinks and their names.
    let uplinks: [InterfaceID: String]
    private(set) var driver: MobileNodeDriver!
    private var transport: ProtocolTransport!
    private let memory: NodeMemory
    private let numbering = UplinkNumbering()
    private let housekeeping: any DispatchSourceTimer
    private var fullness = FullnessWatch()

    init(
        _ configuration: DaemonConfiguration, _ settings: MobileNodeSettings, queue: DispatchQueue, logger: Logger,
        events: EventHub
    ) throws {
        self.queue = queue
        self.logger = logger
        self.events = events
        housekeeping = DispatchSource.makeIdleTimer(on: queue)
        memory = try NodeMemory(folder: configuration.stateDirectory) { logger.error("\($0)") }
        epoch = try memory.nextEpoch()
        // First, since it is refused where another daemon has the port: nothing is in the kernel yet.
        transport = try ProtocolTransport(port: settings.port, interfaces: numbering) { logger.debug("\($0)") }
        dataPlane = try KernelDataPlane(
            .init(
                instance: configuration.instance, program: .mobileNode, hostCapacity: 64,
                flowCapacity: settings.flowCapacity))
        let numbers = try PortNumbers.stored(
            settings.interfaces, path: configuration.stateDirectory + "/interfaces.json")
        let identifiers = settings.interfaces.compactMap { numbers[$0].map { InterfaceID($0) } }
        uplinks = Dictionary(uniqueKeysWithValues: zip(identifiers, settings.interfaces))
        var core = MobileNodeConfiguration(
            node: settings.id, epoch: epoch, spi: settings.spi, key: settings.key, interfaces: identifiers)
        core.families = settings.families
        core.tunnel = settings.tunnel == .ipip ? .ipInIP : .gre(sequenced: settings.isSequenced)
        core.bicast = settings.bicast
        core.linger = TimeSpan(seconds: settings.linger)
        core.routerLifetime = TimeSpan(seconds: settings.routerLifetime)
        core.randomSeed = UInt64.random(in: .min ... .max)
        var patience = FlowPatience()
        patience.udp = .seconds(settings.udpIdle)
        let forwarding = try KernelForwarding(
            dataPlane, node: UInt32(truncatingIfNeeded: settings.id), tunnelTTL: settings.tunnelTTL,
            tunnelDSCP: settings.tunnelDSCP)
        if settings.isSequenced { try forwarding.cutAggregates(instance: configuration.instance) }
        driver = try MobileNodeDriver(
            core, interfaces: uplinks, records: memory.all, forwarding: forwarding, surroundings: surroundings(),
            queue: queue, port: settings.port, patience: patience)
        numbering.driver = driver
    }

    private func surroundings() -> MobileNodeSurroundings {
        MobileNodeSurroundings(
            send: { [transport] in transport?.send($0) }, flush: { [transport] in transport?.flush() },
            remember: { [memory] in memory.remember($0) }, forget: { [memory] in memory.forget($0) },
            rememberEpoch: { [memory] in memory.rememberEpoch($0) },
            report: { [weak self] in self?.tell($0) }, warn: { [logger] in logger.warning("\($0)") },
            now: MonotonicClock.now)
    }

    func start() throws {
        dispatchPrecondition(condition: .onQueue(queue))
        logger.info("data plane \(dataPlane.wasAdopted ? "adopted" : "made")")
        transport.start(on: queue) { [weak self] datagrams in
            for datagram in datagrams where datagram.interface != nil { self?.driver.receive(datagram) }
        }
        try driver.start()
        housekeeping.setEventHandler { [weak self] in self?.warnOfFullTables() }
        housekeeping.schedule(deadline: .now() + .seconds(5), repeating: .seconds(5), leeway: .seconds(1))
    }

    /// Once for each table that fills up.
    private func warnOfFullTables() {
        do throws(ControlError) {
            for table in fullness.news(try MapModel.nearlyFull(dataPlane)) { logger.warning("\(table.fullness)") }
        } catch {
            logger.error("\(error)")
        }
    }

    /// Stopped for good, its anchors are told; to go on at once, everything stays as it is.
    func stop(restarting: Bool) {
        dispatchPrecondition(condition: .onQueue(queue))
        housekeeping.cancel()
        if restarting { driver.suspend() } else { driver.stop() }
        transport.flush()
        transport.stop()
        memory.drain()
    }

    func control(unloaded: @escaping @Sendable () -> Void) -> any ControlService {
        MobileNodeControl(service: self, started: MonotonicClock.now(), unloaded: unloaded)
    }
}

/// The uplinks as the transport sees them.
private final class UplinkNumbering: InterfaceNumbering {
    weak var driver: MobileNodeDriver?

    func number(ofKernelIndex index: UInt32) -> InterfaceID? { driver?.uplink(ofKernelIndex: index) }
    func kernelIndex(of interface: InterfaceID) -> UInt32? { driver?.kernelIndex(of: interface) }
    func gateway(on interface: InterfaceID, _ family: AddressFamily) -> IPAddress? { nil }
}

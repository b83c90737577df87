import AnchorDataPlane
import BPFKit
import Glibc
import NetworkTypes
import Synchronization

/// An access router that translates, its programs on no interface.
final class NATRouter {
    let dataPlane: KernelDataPlane
    let flows: NATFlows

    /// Ports that hosts have for a flow that needs one: a block more than they use.
    private static let spareBlocks = 1

    private let outsideCount: Int
    private var outside: OutsideRange {
        OutsideRange(first: IPAddress(v4: 0xcb00_7100), count: outsideCount, index: 0)
    }
    private var blocksPerHost: Int {
        min(PortBlock.perSubscriber, (flows.count / flows.hosts) / PortBlock.size + Self.spareBlocks)
    }
    private static var blocksPerAddress: Int { PortBlock.perAddress - PortBlock.first }

    /// - Parameters:
    ///   - slots: of the table of translations; by default as many as are enough.
    ///   - incoming: where packets arrive, whatever the job.
    ///   - outgoing: where they leave with ``Router/Exit/other``.
    init(
        flows: NATFlows, slots: Int? = nil, incoming: Router.Interface = .loopback,
        outgoing: Router.Interface = .loopback
    ) throws {
        self.flows = flows
        let blocks = min(PortBlock.perSubscriber, (flows.count / flows.hosts) / PortBlock.size + Self.spareBlocks)
        // All of a host's blocks are of one address.
        let hostsPerAddress = Self.blocksPerAddress / blocks
        outsideCount = (flows.hosts + hostsPerAddress - 1) / hostsPerAddress
        let number = Self.number.add(1, ordering: .relaxed).newValue
        dataPlane = try KernelDataPlane(
            .init(
                instance: "bench-nat-\(getpid())-\(number)", hostCapacity: max(4096, 2 * flows.hosts),
                nat: NATCapacity(
                    translations: slots ?? max(4096, NATCapacity.slots(flows: flows.count)),
                    subscribers: max(4096, 4 * flows.hosts), outsideAddresses: outsideCount)))
        for (index, role, interface) in [
            (Router.corePort, PortRole.core, incoming), (Router.accessPort, .access, incoming),
            (Router.otherPort, .core, outgoing),
        ] {
            try dataPlane.setPort(
                index,
                Port(
                    role: role, name: interface.name, interfaceIndex: interface.index, mac: Frame.router, mtu: 1500,
                    addresses: [Family.v4.host(0x00ff_fffe)]))
        }
    }

    /// Of this process's instances.
    private static let number = Atomic(0)

    deinit { _ = try? dataPlane.unload() }

    /// Hosts where the job has them, each with its blocks of ports.
    func load(_ job: NATJob, _ exit: Router.Exit = .same) throws {
        let family = Family.v4
        let port = job.isFromNode ? Router.accessPort : Router.corePort
        let nextHop = NextHop.neighbour(family.correspondent, port: exit == .same ? port : Router.otherPort)
        let core = try dataPlane.path(for: PathSpecification(nextHop: nextHop))
        let tunnel = try dataPlane.path(
            for: PathSpecification(
                nextHop: nextHop, encapsulation: Encapsulation(source: family.endpoint, kind: .ipip)))
        try dataPlane.setNextHop(nextHop, NextHopResolution(destination: Frame.nextHop))
        try dataPlane.setConfiguration(
            DataPlaneConfiguration(
                endpoints: [family.endpoint], pools: [family.pool], defaultPathV4: core, maximumSegmentV4: 1400,
                inside: [family.pool], outside: [outside]))
        try dataPlane.setHosts(
            (0..<flows.hosts).lazy.map { [flows] index in
                let number = flows.host(index)
                return HostEntry(
                    key: HostKey(family.host(number)), node: number,
                    attachment: job.isTunnelled ? nil : HostAttachment(mac: Frame.station, port: port),
                    tunnel: job.isTunnelled ? HostTunnel(peer: family.peer(0), kind: .ipip, path: tunnel) : nil)
            })
        let hostsPerAddress = Self.blocksPerAddress / blocksPerHost
        for index in 0..<flows.hosts {
            let number = index / hostsPerAddress
            let first = PortBlock.first + index % hostsPerAddress * blocksPerHost
            try dataPlane.nat.setSubscriber(
                inside: family.host(flows.host(index)), outside: outside.address(number: number)!,
                flowLimit: 2 * NATFlows.perHost,
                blocks: (0..<blocksPerHost).map { PortBlock(outside: number, number: first + $0) })
        }
    }

    /// How full the table of translations is, 0 to 1.
    var fill: Double {
        Double(dataPlane.nat.translations.entries) / Double(dataPlane.nat.translations.capacity)
    }

    func program(_ job: NATJob) throws -> BPFProgram {
        let port = job.isFromNode ? Router.accessPort : Router.corePort
        return try dataPlane.unattachedPrograms(port, transmits: true).program(
            job.isFromNode ? "fa_access" : "fa_core")
    }

    /// Puts the programs on both interfaces, which are those of the current network namespace, for packets from hosts.
    func attach() throws {
        for port in [Router.accessPort, Router.otherPort] {
            let attachment = try dataPlane.attach(port)
            guard attachment.mode == .native else {
                throw BenchError("\(attachment.interface) doesn't run programs in its driver")
            }
        }
    }

    /// The two words of each flow's frames, from the host and back.
    struct Words {
        var inside: [UInt64] = []
        var outside: [UInt64] = []
        /// Flows that found no slot, another in the place of each.
        var refused = 0
    }

    /// Has the router make each flow, and finds out what it writes.
    /// - Parameter job: ``NATJob/up`` or ``NATJob/upTunnelled``.
    func words(_ job: NATJob) throws -> Words {
        let program = try program(job)
        let frame = NATFrame(job)
        var words = Words()
        for flow in 0..<flows.count {
            let inside = flows.words(flow)
            let run = try program.testRun(frame.with(inside))
            if Router.isSent(run.verdict), run.packet.count >= 36 {
                words.inside.append(inside)
                words.outside.append(Self.outside(run.packet))
                continue
            }
            let reasons = try dataPlane.reasonCounts().filter { $0.key.kind == .drop && $0.value > 0 }
            // One in a million finds no slot in a table that is half full.
            guard flow > 0, words.refused < 10, reasons.keys.allSatisfy({ $0.name == "nat_table_full" }) else {
                throw BenchError("flow \(flow) was not translated: verdict \(run.verdict), dropped: \(reasons)")
            }
            words.refused += 1
            words.inside.append(words.inside[0])
            words.outside.append(words.outside[0])
        }
        return words
    }

    /// The second of those words, of a packet that was sent to the core.
    static func outside(_ packet: [UInt8]) -> UInt64 {
        let address = packet[26..<30].enumerated().reduce(UInt64(0)) { $0 | UInt64($1.element) << (8 * $1.offset) }
        let port = UInt64(NATFlows.remotePort.bigEndian) | UInt64(packet[34]) << 16 | UInt64(packet[35]) << 24
        return address | port << 32
    }
}

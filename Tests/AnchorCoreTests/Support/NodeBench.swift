import AnchorCore
import AnchorProtocol
import NetworkTypes

/// A mobile node and real access routers on one clock. Datagrams wait until the test lets them through; storage
/// confirms at once.
struct NodeBench {
    static let wlan = InterfaceID(0)
    static let lte = InterfaceID(1)

    var node: MobileNode
    var routers: [AccessRouter] = []
    var now = MonotonicInstant(nanoseconds: 1_000_000_000)
    /// Router at which an interface is plugged in.
    var plugs: [InterfaceID: Int] = [:]
    var actions: [MobileNodeAction] = []
    /// Datagrams of the node that wait, with the router that they reach.
    var upwards: [(router: Int, datagram: Datagram)] = []
    var downwards: [Datagram] = []
    /// Everything that the node ever sent.
    var sent: [AnchorMessage] = []

    static func configuration(_ interfaces: [InterfaceID] = [wlan, lte]) -> MobileNodeConfiguration {
        var configuration = MobileNodeConfiguration(
            node: 1, epoch: 1, spi: 257, key: RouterBench.key(1), interfaces: interfaces)
        configuration.families = [.v4]
        return configuration
    }

    init(
        _ configuration: MobileNodeConfiguration = NodeBench.configuration(), routers count: Int = 3,
        restoring records: [MobileNodeRecord] = []
    ) throws {
        node = try MobileNode(configuration, restoring: records)
        for index in 0..<count { routers.append(try Self.router(index)) }
    }

    static func endpoint(_ router: Int) -> IPAddress { IPAddress(v4: 0xc000_0201 + UInt32(router)) }
    static func address(_ router: Int, _ host: Int = 2) -> IPAddress {
        IPAddress(v4: 0x0a00_0000 + UInt32(router + 1) << 16 + UInt32(host))
    }

    private static func router(_ index: Int) throws -> AccessRouter {
        try AccessRouter(
            AccessRouterConfiguration(
                router: UInt64(1001 + index), epoch: 1, endpoints: [endpoint(index)],
                links: [
                    AccessLink(
                        interface: InterfaceID(0), gateways: [address(index, 1)],
                        pools: [IPPrefix(address(index, 0), length: 24)!])
                ], nodes: [NodeAccount(id: 1, spi: 257, key: RouterBench.key(1))]))
    }

    // MARK: Events

    mutating func handle(_ event: MobileNodeEvent) {
        let new = node.handle(event, at: now)
        actions += new
        for case .send(let datagram) in new { route(datagram) }
    }

    mutating func plug(_ interface: InterfaceID, into router: Int) {
        plugs[interface] = router
        handle(.linkUp(interface, mac: MACAddress(bits: 0x02_0000 + UInt64(interface.number))))
    }

    mutating func unplug(_ interface: InterfaceID) {
        plugs[interface] = nil
        handle(.linkDown(interface))
    }

    /// Attaches to a router with everything delivered.
    mutating func attach(_ interface: InterfaceID, to router: Int) {
        plug(interface, into: router)
        deliverAll()
    }

    mutating func wait(_ span: TimeSpan, delivering: Bool = true) {
        let end = now + span
        while let due = node.nextDeadline, due <= end {
            now = max(now, due)
            handle(.timer)
            if delivering { deliverAll() }
        }
        now = end
    }

    mutating func flows(_ count: Int, of address: IPAddress) {
        handle(.flows([FlowCount(address: address, count: count)]))
    }

    // MARK: The network

    mutating func deliverAll() {
        while !upwards.isEmpty || !downwards.isEmpty {
            deliverUpwards()
            deliverDownwards()
        }
    }

    mutating func deliverUpwards() {
        let waiting = upwards
        upwards = []
        for (index, datagram) in waiting {
            var pending = routers[index].handle(.datagram(datagram), at: now)
            for case .persist(_, let number) in pending {
                pending += routers[index].handle(.persisted(through: number), at: now)
            }
            for case .send(let answer) in pending { answerArrives(answer, from: index) }
        }
    }

    mutating func deliverDownwards() {
        let waiting = downwards
        downwards = []
        for datagram in waiting { handle(.datagram(datagram)) }
    }

    private mutating func route(_ outgoing: OutgoingDatagram) {
        let opened = try? KeyRing([SecurityAssociation(spi: 257, node: 1, key: RouterBench.key(1))])
            .open(outgoing.bytes, as: MessageFrame(outgoing.bytes).header.recipient)
        if let opened { sent.append(opened.message) }
        switch outgoing.route {
        case .allRouters(let interface, let family):
            guard let router = plugs[interface] else { return }
            let datagram = Datagram(
                source: family == .v4 ? .anyV4 : .anyV6, sourcePort: AnchorMessage.port,
                destination: IPAddress(v4: .max), interface: InterfaceID(0), bytes: outgoing.bytes)
            upwards.append((router, datagram))
        case .unicast(let destination, _, let source):
            guard let router = routers.indices.first(where: { Self.endpoint($0) == destination }) else { return }
            let isOnLink = plugs.values.contains(router)
            let datagram = Datagram(
                source: source, sourcePort: AnchorMessage.port, destination: destination,
                interface: isOnLink ? InterfaceID(0) : nil, bytes: outgoing.bytes)
            upwards.append((router, datagram))
        case .neighbour, .allNodes: return
        }
    }

    private mutating func answerArrives(_ outgoing: OutgoingDatagram, from router: Int) {
        let interfaces: [InterfaceID]
        switch outgoing.route {
        case .allNodes, .neighbour, .allRouters:
            interfaces = plugs.filter { $0.value == router }.map(\.key).sorted()
        case .unicast: interfaces = plugs.keys.sorted().suffix(1)
        }
        for interface in interfaces {
            downwards.append(
                Datagram(
                    source: Self.address(router, 1), sourcePort: AnchorMessage.port, destination: .anyV4,
                    interface: interface, bytes: outgoing.bytes))
        }
    }

    // MARK: What was asked for

    var installed: [AnchorBinding] {
        actions.compactMap { if case .install(let binding) = $0 { binding } else { nil } }
    }

    var reports: [MobileNodeReport] {
        actions.compactMap { if case .report(let report) = $0 { report } else { nil } }
    }

    /// Location updates that were sent since `sent` was emptied.
    var updates: [LocationUpdate] {
        sent.compactMap { if case .locationUpdate(let update) = $0.body { update } else { nil } }
    }

    var releases: [IPAddress] {
        sent.compactMap { if case .release(let release) = $0.body { release.address } else { nil } }
    }

    func path(of address: IPAddress) -> AnchorPath? { node.anchorTable.first { $0.address == address }?.path }

    mutating func forget() {
        actions = []
        sent = []
    }
}

import AnchorCore
import AnchorDataPlane
import AnchorProtocol
import Dispatch
import Foundation
import NamespaceTestSupport
import Netlink
import NetworkTypes

@testable import AnchorDaemon

/// A mobile node on a real host, with its programs on real links, whose routers are state machines in this process:
/// messages go from hand to hand, packets through the kernel.
final class RoamingNode: @unchecked Sendable {
    let pair: Pair
    let uplinks: [InterfaceID]
    private(set) var driver: MobileNodeDriver!
    private let queue = DispatchQueue(label: "roaming node")
    private var routers: [AccessRouter]
    /// The router on each uplink's link.
    private var plugged: [InterfaceID: Int] = [:]
    private var outbox: [OutgoingDatagram] = []
    private var routerTimers: [any DispatchSourceTimer] = []
    private var isStopped = false
    private(set) var reports: [MobileNodeReport] = []
    private(set) var warnings: [String] = []
    private(set) var records: [IPAddress: MobileNodeRecord] = [:]

    /// Called on the node's queue when a binding has been handed to the programs.
    var onInstall: (AnchorBinding) -> Void {
        get { forwarding.onInstall }
        set { queue.sync { forwarding.onInstall = newValue } }
    }
    private let forwarding: NamespacedForwarding

    static let key = [UInt8](repeating: 7, count: 32)
    private static let accessLink = InterfaceID(9)

    static func endpoint(_ router: Int, _ family: AddressFamily) -> IPAddress {
        IPAddress(family == .v4 ? "192.0.2.\(router + 1)" : "2001:db8:\(router + 1)::1")!
    }

    static func gateway(_ router: Int, _ family: AddressFamily) -> IPAddress {
        IPAddress(family == .v4 ? "10.\(router + 1).0.1" : "fd0\(router + 1)::1")!
    }

    static func pool(_ router: Int, _ family: AddressFamily) -> IPPrefix {
        IPPrefix(family == .v4 ? "10.\(router + 1).0.0/24" : "fd0\(router + 1)::/64")!
    }

    /// - Parameters:
    ///   - uplinks: one or two; each has programs of its own to be verified, which takes its time.
    ///   - bicast: copies while both attachments are in use.
    init(uplinks count: UInt32 = 1, tunnel: TunnelPreference = .ipInIP, bicast: Bool = false) throws {
        uplinks = (0..<count).map { InterfaceID($0) }
        pair = try Pair()
        try pair.near.command(
            "ip", "link", "add", "near1", "type", "veth", "peer", "name", "far1", "netns", pair.far.path)
        for (socket, name) in [(pair.nearSocket, "near1"), (pair.farSocket, "far1")] {
            try socket.changeLink(socket.link(named: name).index, up: true)
        }
        routers = try (0..<3).map { number in
            var configuration = AccessRouterConfiguration(
                router: UInt64(number + 1), epoch: 1,
                endpoints: AddressFamily.allCases.map { Self.endpoint(number, $0) },
                links: [
                    AccessLink(
                        interface: Self.accessLink, gateways: AddressFamily.allCases.map { Self.gateway(number, $0) },
                        pools: AddressFamily.allCases.map { Self.pool(number, $0) })
                ],
                nodes: [NodeAccount(id: 77, spi: 300, key: Self.key)])
            configuration.bicast = bicast
            return try AccessRouter(configuration)
        }
        for number in routers.indices { _ = routers[number].start(at: MonotonicInstant.now) }
        // The routers' addresses on their links, so that their MACs are found.
        for (number, name) in [(0, "far0"), (1, "far1"), (2, "far0")] {
            let index = try pair.farSocket.link(named: name).index
            for family in AddressFamily.allCases {
                try pair.farSocket.add(
                    InterfaceAddress(
                        interface: index, address: Self.gateway(number, family),
                        prefixLength: Self.pool(number, family).length,
                        flags: family == .v4 ? [] : .noDuplicateDetection))
            }
        }
        var configuration = MobileNodeConfiguration(
            node: 77, epoch: 1, spi: 300, key: Self.key, interfaces: uplinks)
        configuration.tunnel = tunnel
        configuration.bicast = bicast
        configuration.linger = .milliseconds(200)
        forwarding = try NamespacedForwarding(namespace: pair.near)
        driver = try MobileNodeDriver(
            configuration, interfaces: Dictionary(uniqueKeysWithValues: uplinks.map { ($0, "near\($0.number)") }),
            records: [],
            forwarding: forwarding, surroundings: surroundings, queue: queue, namespace: pair.near)
    }

    private var surroundings: MobileNodeSurroundings {
        MobileNodeSurroundings(
            send: { [unowned self] in outbox.append($0) },
            flush: { [unowned self] in
                let node = self  // for as long as the messages are on their way
                let datagrams = outbox
                outbox = []
                queue.async { for datagram in datagrams { node.deliver(datagram) } }
            },
            remember: { [unowned self] in records[$0.address] = $0 },
            forget: { [unowned self] in records[$0] = nil },
            rememberEpoch: { _ in },
            report: { [unowned self] in reports.append($0) },
            warn: { [unowned self] in warnings.append($0) },
            now: { .now })
    }

    func start() throws { try queue.sync { try driver.start() } }

    func stop() {
        queue.sync {
            driver.stop()
            isStopped = true
        }
    }

    /// What is going on, asked on the node's queue.
    func ask<Value>(_ body: (MobileNodeDriver) throws -> Value) rethrows -> Value {
        try queue.sync { try body(driver) }
    }

    var allWarnings: [String] { queue.sync { warnings } }
    var allRecords: [IPAddress: MobileNodeRecord] { queue.sync { records } }

    /// Puts a router on the uplink's link, or none. The carrier goes and comes, as in a move.
    func plug(_ router: Int?, into uplink: Int) throws {
        let far = try pair.farSocket.link(named: "far\(uplink)").index
        try pair.farSocket.changeLink(far, up: false)
        queue.sync { plugged[uplinks[uplink]] = router }
        guard router != nil else { return }
        try pair.farSocket.changeLink(far, up: true)
        // Addresses of IPv6 went with the link.
        for number in [uplink, 2] {
            try pair.farSocket.replace(
                InterfaceAddress(
                    interface: far, address: Self.gateway(number, .v6), prefixLength: 64,
                    flags: .noDuplicateDetection))
        }
        // The kernel may tell late, when the node has found the router already: to it that is another move.
        let near = try pair.nearSocket.link(named: "near\(uplink)")
        try poll("the node to hear of the new carrier") {
            ask { $0.link(of: uplinks[uplink])?.carrierChanges } == near.carrierChanges ? true : nil
        }
    }

    /// The own address of the family from that router, once it has one.
    func address(from router: Int, _ family: AddressFamily) throws -> IPAddress {
        try poll("address from router \(router + 1)") {
            ask { driver in
                driver.state.anchorTable.first { Self.pool(router, family).contains($0.address) }?.address
            }
        }
    }

    /// Waits until the address's packets go that way.
    func awaitPath(of address: IPAddress, _ condition: (AnchorPath) -> Bool) throws {
        do {
            try poll("path of \(address)") {
                ask { $0.state.anchorTable.first { $0.address == address && condition($0.path) } }
            }
        } catch {
            throw NeverHappened(description: "\(error); \(ask { $0.state.anchorTable }); \(allWarnings)")
        }
    }

    // MARK: Messages

    private func deliver(_ datagram: OutgoingDatagram) {
        guard !isStopped else { return }
        switch datagram.route {
        case .allRouters(let uplink, let family):
            give(datagram.bytes, to: plugged[uplink], from: family == .v4 ? .anyV4 : Self.nodeLinkLocal)
        case .neighbour(_, _, let uplink): give(datagram.bytes, to: plugged[uplink], from: Self.nodeLinkLocal)
        case .unicast(let to, _, let from):
            let router = routers.firstIndex { $0.configuration.endpoints.contains(to) }
            let isConnected = plugged.values.contains { Self.pool($0, from.family).contains(from) }
            if isConnected { give(datagram.bytes, to: router, from: from, isOnLink: false) }
        case .allNodes: break
        }
    }

    private static let nodeLinkLocal = IPAddress("fe80::77")!

    private func give(_ bytes: [UInt8], to router: Int?, from source: IPAddress, isOnLink: Bool = true) {
        guard let router else { return }
        let datagram = Datagram(
            source: source, sourcePort: AnchorMessage.port, destination: Self.endpoint(router, source.family),
            interface: isOnLink ? Self.accessLink : nil, bytes: bytes)
        perform(routers[router].handle(.datagram(datagram), at: .now), of: router)
    }

    private func perform(_ actions: [AccessRouterAction], of router: Int) {
        for action in actions {
            switch action {
            case .persist(_, let number):
                perform(routers[router].handle(.persisted(through: number), at: .now), of: router)
            case .send(let datagram): answer(datagram, from: router)
            case .install, .remove, .report: break
            }
        }
    }

    private func answer(_ datagram: OutgoingDatagram, from router: Int) {
        let uplink = plugged.first { $0.value == router }?.key
        let family: AddressFamily =
            switch datagram.route {
            case .unicast(let to, _, _), .neighbour(let to, _, _): to.family
            case .allNodes(_, let family), .allRouters(_, let family): family
            }
        let isOnLink = if case .unicast = datagram.route { false } else { true }
        let source =
            !isOnLink
            ? Self.endpoint(router, family) : family == .v4 ? Self.gateway(router, .v4) : IPAddress("fe80::1")!
        guard !isOnLink || uplink != nil else { return }
        driver.receive(
            Datagram(
                source: source, sourcePort: AnchorMessage.port, destination: .anyV4,
                interface: isOnLink ? uplink : uplinks.first { plugged[$0] != nil }, bytes: datagram.bytes))
    }
}

extension MonotonicInstant {
    fileprivate static var now: MonotonicInstant {
        MonotonicInstant(nanoseconds: Int64(DispatchTime.now().uptimeNanoseconds))
    }
}

/// The real data plane, on the interfaces of a namespace.
private final class NamespacedForwarding: MobileForwarding {
    private let forwarding: KernelForwarding
    private let namespace: NetworkNamespace
    private let name: String
    var onInstall: (AnchorBinding) -> Void = { _ in }

    init(namespace: NetworkNamespace) throws {
        self.namespace = namespace
        name = "mn-test-\(UInt32.random(in: 0 ... .max))"
        forwarding = try KernelForwarding(
            KernelDataPlane(.init(instance: name, program: .mobileNode, hostCapacity: 64, flowCapacity: 256)), node: 77)
    }

    deinit {
        try? unload()
        try? FileManager.default.removeItem(atPath: "/run/flowanchor/\(name).lock")
    }

    func attach(_ uplink: InterfaceID, _ link: Link) throws {
        try namespace.run { try forwarding.attach(uplink, link) }
    }
    func detach(_ uplink: InterfaceID) { forwarding.detach(uplink) }
    func install(_ binding: AnchorBinding) throws {
        try forwarding.install(binding)
        onInstall(binding)
    }
    func remove(_ address: IPAddress) throws { try forwarding.remove(address) }
    func setGateway(_ gateway: IPAddress, mac: MACAddress?, on uplink: InterfaceID) throws {
        try forwarding.setGateway(gateway, mac: mac, on: uplink)
    }
    func setMTU(_ mtu: UInt16, of uplink: InterfaceID) throws { try forwarding.setMTU(mtu, of: uplink) }
    func setMTU(_ mtu: UInt16?, to anchor: IPAddress) throws { try forwarding.setMTU(mtu, to: anchor) }
    func watchErrors(on queue: DispatchQueue, handle: @escaping @Sendable ([UInt8]) -> Void) throws {
        try forwarding.watchErrors(on: queue, handle: handle)
    }
    func discardInherited(except kept: Set<IPAddress>) throws { try forwarding.discardInherited(except: kept) }
    func unload() throws { try namespace.run { try forwarding.unload() } }
    func flows() throws -> [FlowEntry] { try forwarding.flows() }
    func end(_ flows: Set<FlowKey>) throws { try forwarding.end(flows) }
    func remove(where condition: (FlowEntry) -> Bool) throws { try forwarding.remove(where: condition) }
}

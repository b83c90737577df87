import CAtomics
import FlowAnchorABI
import Glibc
import NetworkTypes

@testable import AnchorDataPlane

/// `DifferentialWorld` with NAT in front of its core, made from a seed: one in which ports, flows or places in tables
/// are many, or few.
struct NATWorld {
    /// Of the table of translations.
    let buckets: Int
    let inside: [IPPrefix]
    let outside: [OutsideRange]
    /// Correspondents that know hosts by their own addresses.
    let exempt: [IPPrefix]
    let decrementsTTL: Bool
    let unknownSourcePasses: Bool
    /// An outside address is one of the access port's own, too.
    let isAccessPortOutside: Bool
    let subscribers: [Subscriber]
    /// Whether hosts are let in by their first packet.
    let letsIn: Bool
    let roaming: RoamingWorld

    struct Subscriber {
        var inside: IPAddress
        var outside: IPAddress
        var flowLimit: Int
        var blocks: [PortBlock]
        /// Ports of each protocol that are free, where only few are.
        var free: [Int]?
    }

    /// To addresses behind paths of all kinds.
    static let correspondents = [
        "198.51.100.7", "198.51.100.8", "203.0.113.50", "203.0.113.200", "198.51.101.1", "198.51.102.1",
    ].map { IPAddress($0)! }
    private static let narrow = IPPrefix("198.51.101.0/24")!
    private static let unresolved = IPPrefix("198.51.102.0/24")!
    private static let ownOfCore = IPAddress("192.0.2.2")!
    private static let ownOfAccess = IPAddress("203.0.114.2")!
    /// Most that a world needs.
    static let capacity = NATCapacity(translations: 8192, subscribers: 256, outsideAddresses: 8)

    init(_ random: inout RandomLayers) {
        buckets = random.pick([2, 8, 64, 512, 1024, 2048, 2048])
        inside = random.pick([
            ["10.1.0.0/24"], ["10.1.0.0/24"], ["10.1.0.8/29", "10.1.0.20/30"], ["10.1.0.0/28", "172.16.0.0/12"], [],
        ]).map { IPPrefix($0)! }
        // The router's endpoint and what is the core port's own, or others, or both.
        let own = OutsideRange(first: DifferentialWorld.endpoints[0], count: 2, index: 3)
        let others = OutsideRange(first: IPAddress("203.0.114.1")!, count: 3, index: 0)
        outside = random.pick([[own], [others], [others, own], [own, others]])
        exempt = Self.exempt(&random)
        decrementsTTL = !random.chance(5)
        unknownSourcePasses = random.chance(3)
        isAccessPortOutside = random.chance(3)
        subscribers = Self.subscribers(outside, &random)
        letsIn = random.chance(2)
        roaming = RoamingWorld(&random)
    }

    static func exempt(_ random: inout RandomLayers) -> [IPPrefix] {
        let choices = [[], [], ["198.51.100.8/32"], ["198.51.102.0/24", "198.51.100.7/32"]]
        return random.pick(choices).map { IPPrefix($0)! }
    }

    private static func subscribers(_ outside: [OutsideRange], _ random: inout RandomLayers) -> [Subscriber] {
        let addresses = outside.flatMap { range in (range.index..<range.end).map { ($0, range.address(number: $0)!) } }
        var next: [Int: Int] = [:]
        let areMany = random.chance(2)
        return DifferentialWorld.Kind.allCases.compactMap { kind in
            if random.chance(12) { return nil }
            let (number, address) = random.pick(addresses)
            let first = next[number, default: PortBlock.first]
            let count = random.pick([0, 1, 1, 1, 2, 3])
            next[number] = first + count
            return Subscriber(
                inside: DifferentialWorld.host(kind, .v4), outside: address,
                flowLimit: areMany ? 1000 : random.pick([1, 10, 50, 1000]),
                blocks: (first..<first + count).map { PortBlock(outside: number, number: $0) },
                free: areMany || random.chance(2)
                    ? nil : (0..<Int(random.number(below: 8))).map { _ in Int(random.number(below: 512)) })
        }
    }

    /// What is the same in both.
    private func configure(_ plane: some DataPlane) throws {
        func port(_ index: PortIndex, _ addresses: [IPAddress]) throws {
            var port = plane.port(index)!
            port.addresses = addresses
            try plane.setPort(index, port)
        }
        try port(DifferentialWorld.core, [Self.ownOfCore])
        let gateways = [DifferentialWorld.gatewayAddress, IPAddress("2001:db8:5::1")!]
        try port(DifferentialWorld.access, gateways + (isAccessPortOutside ? [Self.ownOfAccess] : []))
        let next = NextHop.neighbour(IPAddress("192.0.2.254")!, port: DifferentialWorld.core)
        let nobody = NextHop.neighbour(IPAddress("192.0.2.253")!, port: DifferentialWorld.core)
        let narrow = try plane.path(for: PathSpecification(nextHop: next, pathMTU: 576))
        let unresolved = try plane.path(for: PathSpecification(nextHop: nobody))
        var configuration = plane.configuration
        configuration.routes.removeAll { $0.prefix == Self.narrow || $0.prefix == Self.unresolved }
        configuration.routes += [
            .init(prefix: Self.narrow, path: narrow), .init(prefix: Self.unresolved, path: unresolved),
        ]
        configuration.inside = inside
        configuration.outside = outside
        configuration.exempt = exempt
        configuration.decrementsTTL = decrementsTTL
        configuration.unknownSourcePasses = unknownSourcePasses
        configuration.unaware = letsIn ? Set(configuration.pools.filter(\.address.isV4)) : []
        try plane.setConfiguration(configuration)
        try roaming.make(in: plane)
    }

    /// - Parameter secret: of the programs' hash.
    func make(in model: ModelDataPlane, secret: (UInt64, UInt64)) throws {
        try configure(model)
        model.resetNAT(secret: secret, buckets: buckets)
        for subscriber in subscribers {
            model.setSubscriber(
                inside: subscriber.inside, outside: subscriber.outside, flowLimit: subscriber.flowLimit,
                blocks: subscriber.blocks)
        }
        model.tables.withLock { tables in
            forEachTakenPort { block, transport, place in
                tables.nat.ports.set(.init(block: block, transport: transport), place)
            }
        }
    }

    /// - Parameter fragments: places in use of the table of fragments.
    /// - Returns: the tables as the daemon has them, of the world's size.
    func make(in kernel: KernelDataPlane, clearing fragments: [UInt32]) throws -> NATTable {
        try configure(kernel)
        let maps = kernel.maps
        for (base, bytes) in [
            (maps.translations.base, maps.translations.count * maps.translations.stride),
            (maps.translationState.base, maps.translationState.stride),
            (maps.elsewhere.base, maps.elsewhere.count * maps.elsewhere.stride),
            (maps.subscribers.base, maps.subscribers.count * maps.subscribers.stride),
            (maps.subscriberState.base, maps.subscriberState.stride),
            (maps.natBlocks.base, maps.natBlocks.count * maps.natBlocks.stride),
            (maps.natPorts.base, maps.natPorts.count * maps.natPorts.stride),
        ] { memset(base, 0, bytes) }
        for place in fragments { try maps.fragments.set(place, to: fa_nat_fragment()) }
        maps.config[0].translation_mask = UInt32(buckets - 1)
        let memory = kernel.nat.memory
        let nat = NATTable(
            NATMemory(
                translations: SlotTable(
                    slots: maps.translations.base, capacity: buckets * Int(FA_BUCKET_SLOTS),
                    state: maps.translationState.base),
                elsewhere: memory.elsewhere, subscribers: memory.subscribers, blocks: memory.blocks,
                ports: memory.ports, outsideCapacity: memory.outsideCapacity, config: memory.config),
            owner: maps
        ) { _ = ca_wait_for_programs() }
        for subscriber in subscribers {
            try nat.setSubscriber(
                inside: subscriber.inside, outside: subscriber.outside, flowLimit: subscriber.flowLimit,
                blocks: subscriber.blocks)
        }
        forEachTakenPort { block, transport, place in
            let port = Int(block.ports.lowerBound) + place
            let bits = kernel.nat.memory.bits(block.outside, row: NATRow.of(transport.rawValue)!, port: port)
            bits.assumingMemoryBound(to: UInt64.self).pointee |= 1 << UInt64(port % 64)
        }
        return nat
    }

    private func forEachTakenPort(_ body: (PortBlock, ModelNAT.Transport, Int) -> Void) {
        for subscriber in subscribers {
            guard let free = subscriber.free else { continue }
            for block in subscriber.blocks {
                for transport in ModelNAT.Transport.allCases {
                    for place in 0..<PortBlock.size where !free.contains(place) { body(block, transport, place) }
                }
            }
        }
    }
}

extension NATWorld: CustomStringConvertible {
    /// What most depends on; the seed has the rest.
    var description: String { "inside \(inside), outside \(outside), \(buckets) buckets" }
}
